#include "core/base/error.hpp"
#include "core/slug/staging_writer.hpp"
#include "tests/unit/slug_support.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>

using namespace shipit;
using namespace shipit::tests;

namespace {

// Why the archive is refused; the folder must look as if nothing had happened.
std::string refusal(const SlugFolder& folder, const Path& archive = "a.tar",
                    const slug::Limits& limits = {}) {
    run(folder.path(), "mkdir -p outside && echo secret > outside/secret && touch -d 2001-01-01 "
                       "outside/secret outside");
    auto why = why_not([&] { (void)folder.pack_archive(folder / archive, limits); });
    CHECK(run(folder.path(),
              "ls -A staging trees releases; find outside -printf '%p %s %n %m %TY\\n' | sort") ==
          "releases:\n\nstaging:\n\ntrees:\noutside 60 2 755 2001\noutside/secret 7 1 644 2001\n");
    return why;
}

bool says(const std::string& why, const std::string& words) {
    CAPTURE(why);
    const bool found = why.find(words) != std::string::npos;
    CHECK(found);
    return found;
}

} // namespace

TEST_SUITE_BEGIN("slug::Build");

TEST_CASE("a folder, its tar in any compression, and its zip are one slug") {
    SlugFolder folder;
    folder.run_in_build(everything);
    folder.run_in_build(
        "rm 'a dir/hard' tab*"); // a zip has no hard links, and libarchive takes '\\' in it for '/'
    const auto id = folder.pack().id;
    run(folder.path(), "tar cf 1.tar -C build . && tar czf 2.tgz -C build . && tar cjf 3.tbz -C "
                       "build . && tar cJf 4.txz -C build .; "
                       "tar --zstd -cf 5.tzst -C build .; cp 1.tar 7.tar; "
                       "truncate -s +100000 7.tar; (cd build && zip -qry --symlinks ../8.zip .)");
    for (const std::string name :
         {"1.tar", "2.tgz", "3.tbz", "4.txz", "5.tzst", "7.tar", "8.zip"}) {
        CAPTURE(name);
        CHECK(folder.pack_archive(folder / name).id == id);
    }
    CHECK(run(folder.path(), "ls -A staging").empty());
}

TEST_CASE("a tar on stdin is the same slug, and so is a zip") {
    SlugFolder folder;
    folder.run_in_build("mkdir d; echo 1 > d/a; echo 2 > b; chmod 755 b; ln -s b l");
    const auto id = folder.pack().id;
    run(folder.path(),
        "tar cf a.tar -C build . && (cd build && zip -qry --symlinks ../b.zip .) && mkfifo pipe");
    for (const char* name : {"a.tar", "b.zip"}) {
        run(folder.path(), std::string("(cat ") + name + " > pipe) > /dev/null 2>&1 &");
        CHECK(folder.pack_archive(folder / "pipe").id == id);
    }
}

TEST_CASE("hard links, of symlinks too, and times come through a tar") {
    SlugFolder folder;
    folder.run_in_build(everything);
    folder.run_in_build(
        "ln -P bin/link empty/link; ln -P dangling again; touch -d 2021-03-04 empty bin");
    run(folder.path(), "tar cf a.tar -C build .");
    const auto from_folder = folder.pack();
    slug::PackOptions anew;
    anew.anew = true;
    const auto from_tar = slug::pack(folder.open(folder / "a.tar"), folder.store, anew);
    CHECK(from_tar.id == from_folder.id);
    CHECK(from_tar.sha256 == from_folder.sha256);
}

TEST_CASE("a tar of one folder keeps that folder") {
    SlugFolder folder;
    folder.run_in_build("mkdir app; echo 1 > app/a");
    run(folder.path(), "tar cf a.tar -C build app");
    CHECK(folder.store.read_list(folder.pack_archive(folder / "a.tar").id).find("app/a") !=
          nullptr);
}

TEST_CASE("a slug can be deployed again as a build") {
    SlugFolder folder;
    folder.run_in_build(everything);
    const auto packed = folder.pack();
    run(folder.path(), "cp releases/*.zst s.tar.zst");
    CHECK(folder.pack_archive(folder / "s.tar.zst").id == packed.id);
}

TEST_CASE("the locale does not change the id") {
    SlugFolder folder;
    folder.run_in_build(everything);
    run(folder.path(), "rm build/latin*; tar --format=pax -cf a.tar -C build .");
    const char* before = ::setlocale(LC_ALL, "C");
    REQUIRE(before != nullptr);
    CHECK(folder.pack_archive(folder / "a.tar").id == folder.pack().id);
}

TEST_CASE("a compressed tar whose last bytes are missing is refused") {
    SlugFolder folder;
    run(folder.path(), "seq 100000 > build/x; tar cf a.tar -C build .");
    for (const char* cut : {"gzip -c a.tar | head -c -1", "xz -c a.tar | head -c -20",
                            "zstd -c a.tar | head -c -1", "bzip2 -c a.tar | head -c -1"}) {
        run(folder.path(), std::string(cut) + " > cut.tar");
        CAPTURE(cut);
        CHECK(refusal(folder, "cut.tar") != "");
    }
}

TEST_CASE("what zip and zstd make of 300 MB of zeros is refused") {
    SlugFolder folder;
    run(folder.path(), "mkdir z; truncate -s 300M z/zeros; tar cf - -C z . | zstd -19 -c > "
                       "bomb.tar.zst; (cd z && zip -q ../bomb.zip zeros)");
    says(refusal(folder, "bomb.tar.zst"), "slug.max_expansion (1000)");
    slug::Limits limits;
    limits.expansion = 100;
    says(refusal(folder, "bomb.zip", limits), "slug.max_expansion (100)");
}

TEST_CASE("a zip whose bytes are damaged or missing is refused") {
    SlugFolder folder;
    run(folder.path(),
        "seq 10000 > f; zip -q b.zip f; python3 -c \"d=bytearray(open('b.zip','rb').read()); "
        "d[100]^=1; open('b.zip','wb').write(d)\"");
    CHECK(refusal(folder, "b.zip") != "");
    run(folder.path(), "zip -q c.zip f; head -c -10 c.zip > d.zip");
    CHECK(refusal(folder, "d.zip") != "");
}

TEST_CASE("what is not there is told with advice") {
    SlugFolder folder;
    says(why_not([&] { (void)folder.open(folder / "missing"); }), "there is no build");
}

TEST_CASE("a build's own files are read without following links") {
    SlugFolder folder;
    folder.run_in_build(
        "echo 'web: x' > Procfile; ln -s /etc/passwd shipit.toml; mkdir .slugignore");
    const auto build = folder.open(folder.build());
    CHECK(*build.read_file("Procfile") == "web: x\n");
    CHECK_FALSE(build.read_file("missing"));
    says(why_not([&] { (void)build.read_file("shipit.toml"); }), "is a symlink");
    says(why_not([&] { (void)build.read_file(".slugignore"); }), "is not a file");
    says(why_not([&] { (void)build.read_file("Procfile", 3); }), "is larger than");
}

TEST_CASE("whether a link stays inside is told by its text") {
    CHECK(slug::stays_inside("a", "b"));
    CHECK(slug::stays_inside("d/a", "../b"));
    CHECK(slug::stays_inside("d/e/a", "./../../b/c"));
    CHECK(slug::stays_inside("d/e/a", ".//.././b"));
    CHECK_FALSE(slug::stays_inside("a", "../b"));
    CHECK_FALSE(slug::stays_inside("a", "x/x/../..")); // with x a symlink to "."
    CHECK_FALSE(slug::stays_inside("d/a", "x/../../../b"));
    CHECK_FALSE(slug::stays_inside("d/a", "../../d/a"));
    CHECK_FALSE(slug::stays_inside("a", "/a"));
}

TEST_SUITE_END();

#include "core/base/error.hpp"
#include "core/slug/staging_writer.hpp"
#include "tests/unit/slug_support.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>

using namespace shipit;
using namespace shipit::tests;

namespace {

// Makes a.tar by a few lines of Python: `t` is the open tarfile, add(name, data=b'', **fields)
// adds.
void make_tar(const SlugFolder& folder, const std::string& lines,
              const std::string& format = "GNU_FORMAT") {
    const std::string prelude =
        "cat > make.py <<'EOF'\n"
        "import tarfile, io\n"
        "t = tarfile.open('a.tar', 'w', format=tarfile." +
        format +
        ")\n"
        "def add(name, data=b'', **fields):\n"
        "    i = tarfile.TarInfo(name); i.size = len(data)\n"
        "    for k, v in fields.items(): setattr(i, k, v)\n"
        "    t.addfile(i, io.BytesIO(data))\n"
        "DIR, SYM, LNK, CHR, BLK, FIFO = b'5', b'2', b'1', b'3', b'4', b'6'\n";
    run(folder.path(), prelude + lines + "\nt.close()\nEOF\npython3 make.py");
}

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

TEST_CASE("hard links and times come through a tar") {
    SlugFolder folder;
    folder.run_in_build(everything);
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

TEST_CASE("entries that lead out of the build are refused") {
    SlugFolder folder;
    for (const char* name : {"../x", "a/../../x", "..", "a/..", "/abs", "./../x", "a/b/../c"}) {
        make_tar(folder, std::string("add('fine', b'1'); add('") + name + "', b'1')");
        CAPTURE(name);
        CHECK(refusal(folder) != "");
    }
    make_tar(folder, "add('x', b'1', pax_headers={'path': '../../outside/secret'})", "PAX_FORMAT");
    says(refusal(folder), "'..'");
}

TEST_CASE("links that lead out of the build are refused") {
    SlugFolder folder;
    for (const char* target : {"/etc/passwd", "../x", "d/../../x", "../../outside"}) {
        make_tar(folder, std::string("add('d/l', type=SYM, linkname='../") + target + "')");
        if (target[0] == '/')
            make_tar(folder, std::string("add('d/l', type=SYM, linkname='") + target + "')");
        CAPTURE(target);
        says(refusal(folder), "leads out of the build");
    }
    make_tar(folder, "add('l', type=SYM, linkname='')");
    CHECK(refusal(folder) != "");
    make_tar(folder, "add('d/l', type=SYM, linkname='/usr/bin/python3')");
    slug::Limits limits;
    limits.outside_links = true;
    CHECK(folder.pack_archive(folder / "a.tar", limits).files == 0);
}

TEST_CASE("nothing is written through a link") {
    SlugFolder folder;
    slug::Limits limits;
    limits.outside_links = true;
    const auto outside = (folder / "outside").string();
    for (const std::string& target :
         {outside, std::string("../../outside"), std::string("."), std::string("d")}) {
        make_tar(folder, "add('d', type=DIR, mode=0o755); add('l', type=SYM, linkname='" + target +
                             "'); add('l/secret', b'evil')");
        CHECK(refusal(folder, "a.tar", limits) != "");
        make_tar(folder, "add('l', type=SYM, linkname='" + target + "/secret'); add('l', b'evil')");
        says(refusal(folder, "a.tar", limits), "is there twice");
        make_tar(folder,
                 "add('d', type=DIR, mode=0o755); add('d/x', b'1'); add('d', type=SYM, linkname='" +
                     target + "')");
        says(refusal(folder, "a.tar", limits), "is there twice");
    }
}

TEST_CASE("hard links only lead to files of the same archive") {
    SlugFolder folder;
    const auto outside = (folder / "outside/secret").string();
    slug::Limits limits;
    limits.outside_links = true;
    for (const std::string& target :
         {std::string("../../outside/secret"), outside, std::string("missing"), std::string("d"),
          std::string("l"), std::string("dl/secret"), std::string("self")}) {
        make_tar(folder, "add('d', type=DIR, mode=0o755); add('l', type=SYM, linkname='" + outside +
                             "'); add('dl', type=SYM, linkname='" + (folder / "outside").string() +
                             "'); add('self', type=LNK, linkname='" + target + "')");
        CAPTURE(target);
        CHECK(refusal(folder, "a.tar", limits) != "");
    }
}

TEST_CASE("devices, FIFOs and names that are there twice are refused") {
    SlugFolder folder;
    for (const char* type : {"CHR", "BLK", "FIFO"}) {
        make_tar(folder, std::string("add('x', type=") + type + ", devmajor=1, devminor=3)");
        says(refusal(folder), "is no file, folder or link");
    }
    for (const char* lines :
         {"add('x', b'1'); add('x', b'2')", "add('x', b'1'); add('./x', b'1')",
          "add('x', b'1'); add('x/y', b'1')", "add('d', type=DIR); add('d/', type=DIR)",
          "add('d/x', b'1'); add('d', b'2')", "add('x', b'1'); add('x', type=DIR)"}) {
        make_tar(folder, lines);
        CAPTURE(lines);
        CHECK(refusal(folder) != "");
    }
}

TEST_CASE("set-uid bits and the mode of the build itself are dropped") {
    SlugFolder folder;
    make_tar(folder, "add('.', type=DIR, mode=0); add('x', b'1', mode=0o6755); add('d', type=DIR, "
                     "mode=0o1777); add('d/y', b'2', mode=0o644)");
    const auto list = folder.store.read_list(folder.pack_archive(folder / "a.tar").id);
    CHECK(list.find("x")->mode == 0755);
    CHECK(list.find("d")->mode == 0777);
}

TEST_CASE("a tar that is cut off anywhere is refused") {
    SlugFolder folder;
    make_tar(folder, "add('x', b'1' * 700); add('zeros', bytes(3000)); add('d', type=DIR, "
                     "mode=0o755); add('d/y', b'2')");
    const auto size =
        std::stoi(run(folder.path(), "python3 -c \"import tarfile; t=tarfile.open('a.tar'); "
                                     "m=t.getmembers()[-1]; print(m.offset_data+512)\""));
    for (int cut = 0; cut < size + 1024; cut += 256) {
        run(folder.path(), "head -c " + std::to_string(cut) + " a.tar > cut.tar");
        CAPTURE(cut);
        CHECK(refusal(folder, "cut.tar") != "");
    }
    run(folder.path(), "head -c " + std::to_string(size + 1024) + " a.tar > whole.tar");
    CHECK(folder.pack_archive(folder / "whole.tar").files == 3);
    for (const char* cut : {"gzip -c a.tar | head -c -1", "xz -c a.tar | head -c -20",
                            "zstd -c a.tar | head -c -1", "bzip2 -c a.tar | head -c -1"}) {
        run(folder.path(), std::string(cut) + " > cut.tar; rm releases/*.zst 2> /dev/null || true");
        CAPTURE(cut);
        CHECK(refusal(folder, "cut.tar") != "");
    }
}

TEST_CASE("what follows the end of a tar must be zeros") {
    SlugFolder folder;
    make_tar(folder, "add('x', b'1')");
    run(folder.path(), "cat a.tar a.tar > two.tar; (cat a.tar; echo garbage) > garbage.tar");
    says(refusal(folder, "two.tar"), "behind its end");
    says(refusal(folder, "garbage.tar"), "behind its end");
}

TEST_CASE("what is no archive is refused with advice") {
    SlugFolder folder;
    run(folder.path(), ": > a.tar");
    says(refusal(folder), "is empty");
    run(folder.path(), "head -c 10240 /dev/zero > a.tar");
    says(refusal(folder), "is empty");
    run(folder.path(), "echo 'just text, and quite a lot of it' > a.tar");
    CHECK(refusal(folder) != "");
    run(folder.path(), "seq 1000 > a.tar; head -c 20000 /dev/urandom > b.tar; gzip -c b.tar > "
                       "c.tar; printf 'LRZI' > d.tar; cat b.tar >> d.tar");
    for (const char* name : {"a.tar", "b.tar", "c.tar", "d.tar"})
        CHECK(refusal(folder, name) != "");
    CHECK(why_not([&] { (void)folder.open(folder / "missing"); }).find("there is no build") !=
          std::string::npos);
}

TEST_CASE("damaged headers are refused, not passed over") {
    SlugFolder folder;
    make_tar(folder, "add('a', b'1'); add('b', b'2'); add('c', b'3')");
    for (const char* at : {"10", "1034", "2060"}) {
        run(folder.path(), std::string("cp a.tar b.tar; printf X | dd of=b.tar bs=1 seek=") + at +
                               " conv=notrunc status=none");
        CHECK(refusal(folder, "b.tar") != "");
    }
}

TEST_CASE("each limit is told by name") {
    SlugFolder folder;
    make_tar(folder, "for i in range(20): add('f%d' % i, b'x' * 1000)\nadd('/'.join('d' * 20) + "
                     "'/x', b'1'); add('n' * 80, b'1')");
    slug::Limits limits;
    limits.entries = 10;
    says(refusal(folder, "a.tar", limits), "more than 10 entries");
    limits = {};
    limits.bytes = 5000;
    says(refusal(folder, "a.tar", limits), "unpacks to more than 4.9 KB");
    limits = {};
    limits.depth = 10;
    says(refusal(folder, "a.tar", limits), "10 folders deep");
    limits = {};
    limits.name_bytes = 50;
    says(refusal(folder, "a.tar", limits), "the limit is 50");
    limits = {};
    limits.path_bytes = 30;
    says(refusal(folder, "a.tar", limits), "the limit is 30");
    run(folder.path(), "mkdir z; truncate -s 300M z/zeros; tar cf - -C z . | zstd -19 -c > "
                       "bomb.tar.zst; (cd z && zip -q ../bomb.zip zeros)");
    says(refusal(folder, "bomb.tar.zst"), "times its size");
    limits = {};
    limits.expansion = 100;
    CHECK(refusal(folder, "bomb.zip", limits) != "");
}

TEST_CASE("a zip with hostile entries is refused") {
    SlugFolder folder;
    for (const char* name : {"../x", "/abs", "a/../../x"}) {
        run(folder.path(),
            std::string(
                "python3 -c \"import zipfile\nz=zipfile.ZipFile('a.zip','w'); z.writestr('") +
                name + "','1'); z.close()\"");
        CAPTURE(name);
        CHECK(refusal(folder, "a.zip") != "");
    }
    run(folder.path(), "python3 -c \"import zipfile\nz=zipfile.ZipFile('a.zip','w'); "
                       "z.writestr('a','1'); z.writestr('a','2'); z.close()\" 2> /dev/null");
    says(refusal(folder, "a.zip"), "is there twice");
    run(folder.path(),
        "seq 10000 > f; zip -q b.zip f; python3 -c \"d=bytearray(open('b.zip','rb').read()); "
        "d[100]^=1; open('b.zip','wb').write(d)\"");
    CHECK(refusal(folder, "b.zip") != "");
    run(folder.path(), "zip -q c.zip f; head -c -10 c.zip > d.zip");
    CHECK(refusal(folder, "d.zip") != "");
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
    CHECK_FALSE(slug::stays_inside("a", "../b"));
    CHECK_FALSE(slug::stays_inside("d/a", "x/../../../b"));
    CHECK_FALSE(slug::stays_inside("d/a", "../../d/a"));
    CHECK_FALSE(slug::stays_inside("a", "/a"));
}

TEST_SUITE_END();

#include "core/base/error.hpp"
#include "core/slug/slug_file.hpp"
#include "tests/unit/slug_support.hpp"

#include <doctest/doctest.h>

using namespace shipit;
using namespace shipit::tests;

namespace {

// Small frames, so that even a small build has many, and files in pieces.
slug::PackOptions many_frames() {
    slug::PackOptions options;
    options.cut.most = 32 << 10;
    return options;
}

constexpr const char* same_trees =
    "diff -r --no-dereference build restored && "
    "for d in build restored; do (cd $d && find . ! -path . -printf '%p %y %m %T@ %l %n\\n' "
    "| LC_ALL=C sort > ../$d.facts); done; sed 's/\\.0000000000//' build.facts > b; "
    "sed 's/\\.0000000000//' restored.facts > r; diff b r";

} // namespace

TEST_SUITE_BEGIN("slug::pack");

TEST_CASE("tar restores from a slug exactly what was packed") {
    SlugFolder folder;
    folder.run_in_build(everything);
    const auto packed = folder.pack(many_frames());
    const auto archive = folder.store.path_of(packed.id).string();
    SUBCASE("GNU tar") {
        run(folder.path(), "mkdir restored && tar --zstd -xpf " + archive + " -C restored");
    }
    SUBCASE("Python's tarfile") {
        run(folder.path(), "mkdir restored && zstd -dcq " + archive +
                               " > t.tar && python3 -c \"import tarfile; "
                               "tarfile.open('t.tar').extractall('restored')\"");
        // It leaves the times of symlinks alone.
        run(folder.path(), "find build restored -type l -exec touch -h -d 2001-01-01 {} +");
    }
    SUBCASE("bsdtar") {
        if (shell("/", "command -v bsdtar").status != 0)
            return;
        run(folder.path(), "mkdir restored && bsdtar -xpf " + archive + " -C restored");
    }
    run(folder.path(), same_trees);
}

TEST_CASE("zstd finds every slug whole") {
    SlugFolder folder;
    folder.run_in_build(everything);
    const auto packed = folder.pack(many_frames());
    run(folder.path(), "zstd -tq " + folder.store.path_of(packed.id).string());
}

TEST_CASE("the id is the same at any level, in any frames, on any number of threads") {
    SlugFolder folder;
    folder.run_in_build(everything);
    const auto usual = folder.pack();
    CHECK_FALSE(usual.stored_already);
    for (const int level : {1, 19}) {
        for (const unsigned threads : {1U, 5U}) {
            auto options = many_frames();
            options.level = level;
            options.threads = threads;
            options.anew = true;
            const auto packed = folder.pack(options);
            CHECK(packed.id == usual.id);
            folder.store.check(packed.id, packed.sha256);
        }
    }
}

TEST_CASE("the archive is the same bytes every time") {
    SlugFolder folder;
    folder.run_in_build(everything);
    auto options = many_frames();
    const auto first = folder.pack(options);
    options.anew = true;
    options.threads = 3;
    CHECK(folder.pack(options).sha256 == first.sha256);
}

TEST_CASE("a slug that is stored already is not written twice") {
    SlugFolder folder;
    folder.run_in_build(everything);
    const auto first = folder.pack();
    const auto before = run(folder.path(), "ls -li releases");
    const auto second = folder.pack();
    CHECK(second.stored_already);
    CHECK(second.id == first.id);
    CHECK(second.sha256 == first.sha256);
    CHECK(second.size == first.size);
    CHECK(run(folder.path(), "ls -lia releases | grep -v '\\.$' | tail -n +2") ==
          before.substr(before.find('\n') + 1));
}

TEST_CASE("a stored slug that lost its end is written again") {
    SlugFolder folder;
    folder.run_in_build(everything);
    const auto first = folder.pack();
    run(folder.path(), "truncate -s -5 releases/*.zst");
    const auto second = folder.pack();
    CHECK_FALSE(second.stored_already);
    folder.store.check(second.id, first.sha256);
}

TEST_CASE("the id does not depend on times or owners, but on modes, names, contents and links") {
    SlugFolder folder;
    folder.run_in_build(
        "mkdir d; echo 1 > a; echo 2 > d/b; ln -s a l; chmod 644 a d/b; chmod 755 d");
    const auto first = folder.pack();
    CHECK(first.id.text().size() == 32);
    const auto changes = [&](const std::string& line) {
        folder.run_in_build(line);
        return folder.pack().id != first.id;
    };
    CHECK_FALSE(changes("touch -d 2001-01-01 a d; touch l"));
    CHECK(changes("chmod 755 a"));
    CHECK(changes("chmod 644 a; echo 3 > a"));
    CHECK(changes("echo 1 > a; ln -sfn d l"));
    CHECK(changes("ln -sfn a l; mkdir e"));
    CHECK(changes("rmdir e; mv a c"));
    CHECK_FALSE(changes("mv c a"));
}

TEST_CASE("what is in .git, .hg and .svn stays out") {
    SlugFolder folder;
    folder.run_in_build(
        "mkdir -p .git sub/.svn .hg; touch .git/x sub/.svn/x .hg/x sub/y .gitignore");
    const auto list = folder.store.read_list(folder.pack().id);
    REQUIRE(list.entries.size() == 3);
    CHECK(list.entries[0].path == ".gitignore");
    CHECK(list.entries[1].path == "sub");
    CHECK(list.entries[2].path == "sub/y");
}

TEST_CASE(".slugignore and shared paths keep files out") {
    SlugFolder folder;
    folder.run_in_build(
        "mkdir -p media log node_modules/x; touch media/1 log/2 node_modules/x/3 a.pyc b.py; "
        "printf '*.pyc\\n/node_modules/\\n' > .slugignore");
    slug::PackOptions options;
    options.leave_out = {"media"};
    const auto packed = folder.pack(options);
    CHECK(packed.left_out == 3);
    std::string paths;
    for (const auto& entry : folder.store.read_list(packed.id).entries)
        paths += entry.path + ' ';
    CHECK(paths == ".slugignore b.py log log/2 ");
}

TEST_CASE(".slugignore keeps no shipit.toml and no Procfile out of the first folder") {
    SlugFolder folder;
    folder.run_in_build("mkdir dist; touch dist/app dist/Procfile dist/shipit.toml Procfile "
                        "shipit.toml other.toml README");
    const auto paths = [&folder](const std::string& rules) {
        folder.run_in_build("printf '" + rules + "' > .slugignore");
        std::string found;
        for (const auto& entry : folder.store.read_list(folder.pack().id).entries)
            found += entry.path + ' ';
        return found;
    };
    CHECK(paths("/*\\n!/dist\\n") ==
          "Procfile dist dist/Procfile dist/app dist/shipit.toml shipit.toml ");
    CHECK(paths("*.toml\\nProcfile\\n") ==
          ".slugignore Procfile README dist dist/app shipit.toml ");
}

TEST_CASE("an empty build is refused") {
    SlugFolder folder;
    CHECK(why_not([&] { (void)folder.pack(); }).find("is empty") != std::string::npos);
    folder.run_in_build("mkdir -p a/b");
    CHECK(why_not([&] { (void)folder.pack(); }).find("is empty") != std::string::npos);
    CHECK(run(folder.path(), "ls -A releases").empty());
}

TEST_CASE("a FIFO in a build is refused by name, and nothing waits for it") {
    SlugFolder folder;
    folder.run_in_build("mkdir run; touch a; mkfifo run/pipe");
    const auto why = why_not([&] { (void)folder.pack(); });
    CHECK(why.find("build/run/pipe") != std::string::npos);
    CHECK(why.find("FIFO") != std::string::npos);
}

TEST_CASE("a build that contains the releases is refused") {
    SlugFolder folder;
    const auto why =
        why_not([&] { (void)slug::pack(folder.open(folder.path()), folder.store, {}); });
    CHECK(why.find("shipit's own folder") != std::string::npos);
}

TEST_CASE("a file that changes while it is packed is an error") {
    SlugFolder folder;
    folder.run_in_build("for i in $(seq 9); do head -c 100000 /dev/urandom > f$i; done");
    auto options = many_frames();
    options.threads = 1;
    options.progress.advance = [&](std::uint64_t, std::uint64_t) {
        folder.run_in_build("echo more >> f9");
    };
    CHECK(why_not([&] { (void)folder.pack(options); }).find("f9' changed while it was packed") !=
          std::string::npos);
    CHECK(run(folder.path(), "ls -A releases").empty());
}

TEST_CASE("a folder that becomes a symlink while it is packed is an error") {
    SlugFolder folder;
    folder.run_in_build("mkdir z other; for i in $(seq 9); do head -c 100000 /dev/urandom > f$i; "
                        "done; echo x > z/f; echo x > other/f");
    auto options = many_frames();
    options.threads = 1;
    options.progress.advance = [&](std::uint64_t, std::uint64_t) {
        folder.run_in_build("[ -L z ] || { rm -r z; ln -s other z; }");
    };
    CHECK(why_not([&] { (void)folder.pack(options); }).find("z/f' changed while it was packed") !=
          std::string::npos);
}

TEST_CASE("the list's places are those of the tar's headers") {
    SlugFolder folder;
    folder.run_in_build(everything);
    const auto packed = folder.pack(many_frames());
    const slug::SlugFile file(folder.store.path_of(packed.id));
    run(folder.path(), "zstd -dcq " + file.path().string() + " > t.tar");
    const auto offsets =
        run(folder.path(), "python3 -c \"import tarfile\nfor m in tarfile.open('t.tar'): "
                           "print(m.offset, m.offset_data)\"");
    std::string ours;
    for (const auto& extent : file.extents())
        ours += std::to_string(extent.header) + ' ' + std::to_string(extent.data) + '\n';
    CHECK(ours == offsets);
}

TEST_SUITE_END();

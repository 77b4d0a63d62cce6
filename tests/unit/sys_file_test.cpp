#include "core/base/error.hpp"
#include "core/sys/batch.hpp"
#include "core/sys/file.hpp"
#include "tests/unit/as_nobody.hpp"
#include "tests/unit/few_descriptors.hpp"
#include "tests/unit/test_folder.hpp"

#include <future>

#include <doctest/doctest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace shipit;
using namespace shipit::sys;

namespace {

mode_t mode_of(const Path& path) {
    struct stat status {};
    REQUIRE(::lstat(path.c_str(), &status) == 0);
    return status.st_mode & 07777;
}

} // namespace

TEST_SUITE_BEGIN("sys: file");

TEST_CASE("many files are replaced together as one is") {
    const shipit::tests::TestFolder folder;
    for (const std::size_t count : {0U, 1U, 100U}) {
        std::vector<FileContent> files;
        for (std::size_t i = 0; i < count; ++i)
            files.push_back({folder / std::to_string(i), std::to_string(i * count)});
        replace_all_durably(folder.path(), files, 0640);
        CHECK(names_in(folder.path()).size() == count);
        for (const FileContent& file : files) {
            CHECK(read_file(file.path) == file.content);
            CHECK(mode_of(file.path) == 0640);
        }
    }
}

TEST_CASE("a replaced file has the new content and mode, and nothing is left beside it") {
    const tests::TestFolder folder;
    replace_durably(folder / "a", "one", 0600);
    replace_durably(folder / "a", "two", 0644);
    CHECK(read_file(folder / "a") == "two");
    CHECK(mode_of(folder / "a") == 0644);
    CHECK(names_in(folder.path()) == std::vector<std::string>{"a"});
}

TEST_CASE("a file that exists is not created over") {
    const tests::TestFolder folder;
    create_durably(folder / "a", "one", 0600);
    CHECK_THROWS_AS(create_durably(folder / "a", "two", 0600), Error);
    CHECK(read_file(folder / "a") == "one");
    CHECK(names_in(folder.path()).size() == 1);
}

TEST_CASE("a link is replaced in one step, a folder of its name is refused and kept") {
    const tests::TestFolder folder;
    replace_link_durably(folder / "current", "releases/v1");
    replace_link_durably(folder / "current", "releases/v2");
    CHECK(link_target(folder / "current") == "releases/v2");
    make_folders(folder / "real", 0755);
    CHECK_THROWS_AS(replace_link_durably(folder / "real", "x"), Error);
    CHECK(names_in(folder.path()) == std::vector<std::string>{"current", "real"});
}

TEST_CASE("reading a FIFO, a folder or too large a file is an error, not a hang") {
    const tests::TestFolder folder;
    REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
    CHECK_THROWS_AS((void)read_file(folder / "fifo"), Error);
    CHECK_THROWS_AS((void)read_file(folder.path()), Error);
    replace_durably(folder / "large", std::string(2000, 'x'), 0600);
    CHECK_THROWS_AS((void)read_file(folder / "large", 1999), Error);
    CHECK(read_file(folder / "large", 2000).size() == 2000);
    CHECK_FALSE(read_file_if_any(folder / "absent").has_value());
}

TEST_CASE("a tree is removed without following its links, even where modes forbid it") {
    const tests::TestFolder folder;
    make_folders(folder / "outside", 0755);
    replace_durably(folder / "outside/kept", "x", 0600);
    make_folders(folder / "tree/locked/deep", 0755);
    replace_durably(folder / "tree/locked/deep/file", "x", 0400);
    REQUIRE(::symlink((folder / "outside").c_str(), (folder / "tree/link").c_str()) == 0);
    REQUIRE(::chmod((folder / "tree/locked").c_str(), 0) == 0);
    remove_tree(folder / "tree");
    CHECK_FALSE(is_there(folder / "tree"));
    CHECK(is_there(folder / "outside/kept"));
    remove_tree(folder / "tree"); // absent is fine
}

TEST_CASE("a tree that is deeper than there are descriptors is removed, with no more stack") {
    const tests::TestFolder folder;
    REQUIRE(::mkdir((folder / "tree").c_str(), 0755) == 0);
    {
        Fd at = open_file(folder / "tree", O_RDONLY | O_DIRECTORY);
        for (int depth = 0; depth < 30'000; ++depth) {
            REQUIRE(::mkdirat(at.get(), "d", 0755) == 0);
            if (depth % 1000 == 0)
                for (const char* name : {"before", "zafter"})
                    REQUIRE(::mkdirat(at.get(), name, depth == 0 ? 0 : 0755) == 0);
            const Fd file(::openat(at.get(), "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
            REQUIRE(file);
            at = Fd(::openat(at.get(), "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
            REQUIRE(at);
        }
    }
    const tests::FewDescriptors few(5);
    remove_tree(folder / "tree");
    CHECK_FALSE(is_there(folder / "tree"));
}

TEST_CASE("what is mounted in a tree is not removed with it, and the error says to unmount it") {
    const tests::TestFolder folder;
    for (const char* name : {"uploads", "tree/public/uploads", "tree/rest"})
        make_folders(folder / name, 0755);
    replace(folder / "uploads/photo", "x", 0644);
    replace(folder / "certificate", "x", 0644);
    for (const char* what : {"uploads", "certificate"}) {
        const Path from = folder / what;
        const Path onto = folder / "tree/public" / what;
        if (from == folder / "certificate")
            replace(onto, "", 0644);
        if (::mount(from.c_str(), onto.c_str(), nullptr, MS_BIND, nullptr) != 0)
            return; // only root can
        std::string why;
        for (const Path& tree : {folder / "tree", onto})
            try {
                remove_tree(tree);
            } catch (const Error& error) {
                why += error.why() + "\n" + error.next() + "\n";
            }
        CHECK(::umount2(onto.c_str(), MNT_DETACH) == 0);
        const std::string each = "cannot remove '" + onto.string() +
                                 "': something is mounted there, which is to be unmounted "
                                 "first\numount " +
                                 onto.string() + "\n";
        CHECK(why == each + each);
    }
    CHECK(is_there(folder / "uploads/photo"));
    CHECK(is_there(folder / "certificate"));
    CHECK_FALSE(is_there(folder / "tree/rest"));
    remove_tree(folder / "tree");
    CHECK_FALSE(is_there(folder / "tree"));
}

TEST_CASE("a tree that two remove at the same time is gone for both") {
    for (int round = 0; round < 20; ++round) {
        const tests::TestFolder folder;
        for (const char* a : {"a", "b", "c", "d"})
            for (const char* b : {"a", "b", "c", "d"})
                for (const char* c : {"a", "b", "c", "d"}) {
                    const Path inner = folder / "tree" / a / b / c;
                    make_folders(inner / "d/e/f", 0755);
                    replace(inner / "file", "", 0644);
                }
        const auto remove = [&] { remove_tree(folder / "tree"); };
        auto other = std::async(std::launch::async, remove);
        CHECK_NOTHROW(remove());
        CHECK_NOTHROW(other.get());
        CHECK_FALSE(is_there(folder / "tree"));
    }
}

TEST_CASE(
    "what cannot be removed is named harmlessly, with the system's reason, and the rest goes" *
    doctest::skip(::geteuid() != 0)) {
    const tests::TestFolder folder;
    REQUIRE(::chmod(folder.path().c_str(), 0755) == 0);
    REQUIRE(::mkdir((folder / "tree").c_str(), 0755) == 0);
    REQUIRE(::chown((folder / "tree").c_str(), tests::nobody, 0) == 0);
    // Others' files in a folder with the sticky bit stay.
    REQUIRE(::mkdir((folder / "tree/b").c_str(), 0755) == 0);
    REQUIRE(::chmod((folder / "tree/b").c_str(), 01777) == 0);
    replace(folder / "tree/b/stays\x1b[2J", "", 0644);
    for (const char* name : {"a", "c"}) {
        REQUIRE(::mkdir((folder / "tree" / name).c_str(), 0755) == 0);
        REQUIRE(::chown((folder / "tree" / name).c_str(), tests::nobody, 0) == 0);
    }
    std::string why;
    {
        const tests::AsNobody nobody;
        try {
            remove_tree(folder / "tree");
        } catch (const Error& error) {
            why = error.why();
        }
    }
    CHECK(why == "cannot remove '" + (folder / "tree/b/stays").string() +
                     "\\x1b[2J': Operation not permitted");
    CHECK(names_in(folder / "tree") == std::vector<std::string>{"b"});
}

TEST_CASE("a temporary folder goes unless it is kept") {
    const tests::TestFolder folder;
    Path gone, kept;
    {
        const TempFolder temporary(folder.path(), ".t-");
        TempFolder other(folder.path(), ".t-");
        gone = temporary.path();
        kept = other.path();
        CHECK(mode_of(gone) == 0700);
        other.keep();
    }
    CHECK_FALSE(is_there(gone));
    CHECK(is_there(kept));
}

TEST_CASE("an error names the file and the system's reason") {
    const tests::TestFolder folder;
    try {
        (void)read_file(folder / "absent");
        FAIL("no error");
    } catch (const Error& error) {
        CHECK(error.why() ==
              "cannot open '" + (folder / "absent").string() + "': No such file or directory");
    }
}

TEST_SUITE_END();

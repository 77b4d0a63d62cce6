#include "core/release/source.hpp"

#include "core/sys/capture.hpp"
#include "tests/unit/test_folder.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>

#include <sys/stat.h>
#include <unistd.h>

using namespace shipit;
using namespace shipit::release;
using namespace std::chrono_literals;
using shipit::tests::TestFolder;

namespace {

void run(const std::string& command) {
    const sys::Question question{.program = "/bin/sh",
                                 .arguments = {"-c", command},
                                 .environment = {"PATH=/usr/bin:/bin", "HOME=/nonexistent"},
                                 .become = {}};
    const auto answer = sys::answer_to(question, sys::Deadline(30s), 1 << 20);
    REQUIRE_MESSAGE(answer.has_value(), command);
}

// A repository with one commit.
struct Repository {
    Repository() {
        git("init -q -b trunk");
        git("config user.name x");
        git("config user.email x@example.org");
        sys::replace_durably(folder / "file", "1", 0644);
        git("add -A");
        git("commit -q -m 'Say \"hello\"\n\nbody'");
    }
    void git(const std::string& arguments) const {
        run("git -C " + folder.path().string() + " " + arguments);
    }
    TestFolder folder;
};

} // namespace

TEST_SUITE_BEGIN("release: source");

TEST_CASE("a work tree's commit, branch and subject are told") {
    const Repository repository;
    const auto source = source_of(repository.folder.path());
    REQUIRE(source);
    CHECK(source->commit.size() == 40);
    CHECK(source->branch == "trunk");
    CHECK(source->subject == "Say \"hello\"");
    CHECK_FALSE(source->dirty);
}

TEST_CASE("a work tree with changed or new files is dirty") {
    const Repository repository;
    SUBCASE("changed") {
        sys::replace_durably(repository.folder / "file", "22", 0644);
    }
    SUBCASE("new") {
        sys::replace_durably(repository.folder / "new", "1", 0644);
    }
    CHECK(source_of(repository.folder.path())->dirty);
}

TEST_CASE("a folder inside a work tree belongs to it") {
    const Repository repository;
    sys::make_folders(repository.folder / "dist", 0755);
    CHECK(source_of(repository.folder / "dist"));
}

TEST_CASE("a detached HEAD has no branch") {
    const Repository repository;
    repository.git("checkout -q --detach");
    const auto source = source_of(repository.folder.path());
    REQUIRE(source);
    CHECK(source->branch.empty());
}

TEST_CASE("there is no source without a repository, without a commit, without a folder") {
    const TestFolder folder;
    CHECK_FALSE(source_of(folder.path()));
    CHECK_FALSE(source_of(folder / "nowhere"));
    run("git -C " + folder.path().string() + " init -q");
    CHECK_FALSE(source_of(folder.path()));
}

TEST_CASE("variables of git's in the environment do not lead elsewhere") {
    const Repository repository;
    const TestFolder other;
    ::setenv("GIT_DIR", "/nonexistent", 1);
    const auto source = source_of(repository.folder.path());
    const auto none = source_of(other.path());
    ::unsetenv("GIT_DIR");
    CHECK(source);
    CHECK_FALSE(none);
}

TEST_CASE("a file system monitor and hooks of the repository are not run") {
    const Repository repository;
    const auto trace = repository.folder.path().string() + "/.git/trace";
    repository.git("config core.fsmonitor 'touch " + trace + "'");
    sys::replace_durably(repository.folder / ".git/hooks/post-index-change",
                         "#!/bin/sh\ntouch " + trace + "\n", 0755);
    CHECK(source_of(repository.folder.path()));
    CHECK_FALSE(sys::is_there(trace));
}

TEST_CASE("a git that takes too long is not waited for") {
    const Repository repository;
    repository.git("config filter.slow.clean 'sleep 20; cat'");
    sys::replace_durably(repository.folder / ".gitattributes", "file filter=slow\n", 0644);
    sys::replace_durably(repository.folder / "file", "2", 0644); // same size: git must look inside
    const auto begin = std::chrono::steady_clock::now();
    const auto source = source_of(repository.folder.path(), 300ms);
    CHECK(std::chrono::steady_clock::now() - begin < 10s);
    CHECK(source); // the commit came in time
}

TEST_CASE("as root, git runs as the owner of the folder") {
    if (::geteuid() != 0)
        return;
    const Repository repository;
    constexpr uid_t somebody = 12345;
    run("chown -R 12345:12345 " + repository.folder.path().string());
    run("chmod 755 " + repository.folder.path().string());
    repository.git("-c safe.directory='*' config filter.trace.clean 'id -u > "
                   "/proc/self/cwd/.git/who; cat'");
    run("chown -R 12345:12345 " + repository.folder.path().string());
    sys::replace_durably(repository.folder / ".gitattributes", "file filter=trace\n", 0644);
    sys::replace_durably(repository.folder / "file", "2", 0644);
    CHECK(source_of(repository.folder.path()));
    if (const auto who = sys::read_file_if_any(repository.folder / ".git/who"))
        CHECK(*who == std::to_string(somebody) + "\n");
}

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

// A caller's home with a configuration of git's.
class Home {
  public:
    explicit Home(const std::string& config) : m_before(std::getenv("HOME")) {
        sys::replace_durably(m_folder / ".gitconfig", config, 0644);
        ::setenv("HOME", m_folder.path().c_str(), 1);
    }
    Home(const Home&) = delete;
    Home& operator=(const Home&) = delete;
    ~Home() { ::setenv("HOME", m_before.c_str(), 1); }

  private:
    TestFolder m_folder;
    std::string m_before;
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

TEST_CASE("what a repository's configuration filters files by is not run") {
    const Repository repository;
    const std::string trace = repository.folder.path().string() + "/trace";
    const std::string filter = "filter.x.clean 'touch " + trace + "; cat'";
    std::string attributes = "file filter=x\n";
    SUBCASE("clean") {
        repository.git("config " + filter);
    }
    SUBCASE("process") {
        repository.git("config filter.x.process 'touch " + trace + "'");
    }
    SUBCASE("in a file that it includes") {
        const std::string included = repository.folder.path().string() + "/.git/more";
        repository.git("config --file " + included + " " + filter);
        repository.git("config include.path " + included);
    }
    SUBCASE("of a work tree's own") {
        repository.git("config extensions.worktreeConfig true");
        repository.git("config --worktree " + filter);
    }
    SUBCASE("at the end of more than anybody has") {
        repository.git("config " + filter);
        std::string more = "[x]\n";
        for (int i = 0; i < 5000; ++i)
            more += "key-of-its-own = 1\n";
        const auto config = repository.folder / ".git/config";
        sys::replace_durably(config, more + sys::read_file(config, 1 << 20), 0644);
    }
    const Home home("[filter \"lfs\"]\nclean = git config lfs.extension.x.clean | sh\n");
    SUBCASE("by an extension of git-lfs") {
        repository.git("config lfs.extension.x.clean 'touch " + trace + "'");
        attributes = "file filter=lfs\n";
    }
    sys::replace_durably(repository.folder / ".gitattributes", attributes, 0644);
    sys::replace_durably(repository.folder / "file", "2", 0644); // same size: git must look inside
    const auto source = source_of(repository.folder.path());
    CHECK_FALSE(sys::is_there(trace));
    REQUIRE(source);
    CHECK(source->branch == "trunk");
    CHECK_FALSE(source->dirty); // nobody has looked
}

TEST_CASE("what a repository lacks is not fetched by a program that it names") {
    const Repository repository;
    const std::string trace = repository.folder.path().string() + "/trace";
    repository.git("config core.repositoryFormatVersion 1");
    repository.git("config extensions.partialClone origin");
    repository.git("config remote.origin.promisor true");
    SUBCASE("as a transport") {
        repository.git("config protocol.ext.allow always");
        repository.git("config remote.origin.url 'ext::touch " + trace + "'");
    }
    SUBCASE("as the other end") {
        repository.git("config protocol.file.allow always");
        repository.git("config remote.origin.url " + repository.folder.path().string());
        repository.git("config remote.origin.uploadpack 'touch " + trace + ";'");
    }
    run("rm -r " + repository.folder.path().string() + "/.git/objects/??");
    CHECK_FALSE(source_of(repository.folder.path()));
    CHECK_FALSE(sys::is_there(trace));
}

TEST_CASE("a caller's own filters tell what has changed") {
    const Repository repository;
    const Home home("[filter \"same\"]\nclean = tr 2 1\n");
    sys::replace_durably(repository.folder / ".git/info/attributes", "file filter=same\n", 0644);
    sys::replace_durably(repository.folder / "file", "2", 0644);
    CHECK_FALSE(source_of(repository.folder.path())->dirty);
    sys::replace_durably(repository.folder / "file", "3", 0644);
    CHECK(source_of(repository.folder.path())->dirty);
}

TEST_CASE("a git that takes too long is not waited for") {
    const Repository repository;
    const Home home("[filter \"slow\"]\nclean = sleep 20; cat\n");
    sys::replace_durably(repository.folder / ".gitattributes", "file filter=slow\n", 0644);
    sys::replace_durably(repository.folder / "file", "2", 0644);
    const auto begin = std::chrono::steady_clock::now();
    const auto source = source_of(repository.folder.path(), 300ms);
    CHECK(std::chrono::steady_clock::now() - begin < 10s);
    CHECK(source); // the commit came in time
}

TEST_CASE("as root, git runs as the owner of the folder" * doctest::skip(::geteuid() != 0)) {
    const Repository repository;
    run("chown -R 12345:12345 " + repository.folder.path().string());
    run("chmod 755 " + repository.folder.path().string());
    sys::replace_durably(repository.folder / "file", "22", 0644);
    const auto source = source_of(repository.folder.path());
    REQUIRE(source); // of what is somebody else's, git tells root nothing
    CHECK(source->dirty);
}

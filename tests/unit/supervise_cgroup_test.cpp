#include "core/supervise/cgroup.hpp"

#include "core/base/error.hpp"
#include "tests/unit/supervised_app.hpp"

#include <csignal>
#include <set>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace shipit;
using namespace shipit::supervise;
using namespace std::chrono_literals;
using tests::eventually;
using tests::TestFolder;

namespace {

// An app's groups; `app` is empty where there are none to be had, which is told.
struct Groups {
    Groups() {
        try {
            app = app_cgroup(run_folder.path());
        } catch (const Error& error) {
            MESSAGE("skipped, no control groups here: " << error.why());
        }
    }
    TestFolder run_folder;
    Path app;
};

// Starts a process in the group, which ignores SIGTERM and forks into sessions of their own: four
// there are in the end.
pid_t started_in(const Path& cgroup) {
    const sys::Fd folder = sys::open_file(cgroup, O_PATH | O_DIRECTORY);
    const pid_t child = fork_into(folder.get());
    if (child == 0) {
        (void)::signal(SIGTERM, SIG_IGN);
        for (int i = 0; i < 2; ++i)
            if (::fork() == 0)
                (void)::setsid();
        for (;;)
            ::pause();
    }
    return child;
}

} // namespace

TEST_SUITE_BEGIN("supervise::cgroup");

TEST_CASE("our own group is found wherever version 2 is mounted") {
    const char* unified = "23 1 0:20 / /proc rw - proc proc rw\n"
                          "31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw\n";
    CHECK(own_cgroup("0::/user.slice/a.scope\n", unified) ==
          Path("/sys/fs/cgroup/user.slice/a.scope"));
    CHECK(own_cgroup("0::/\n", unified) == Path("/sys/fs/cgroup"));
    const char* hybrid = "40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n"
                         "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
    CHECK(own_cgroup("1:name=systemd:/x\n0::/y\n", hybrid) == Path("/sys/fs/cgroup/unified/y"));
    const char* part = "41 31 0:38 /box/a /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
    CHECK(own_cgroup("0::/box/a/b\n", part) == Path("/sys/fs/cgroup/b"));
    CHECK(own_cgroup("0::/box/a\n", part) == Path("/sys/fs/cgroup"));
    CHECK_FALSE(own_cgroup("0::/box/ab\n", part));
    CHECK_FALSE(own_cgroup("0::/\n", part));
    CHECK_FALSE(own_cgroup("4:memory:/\n", unified));
    CHECK_FALSE(own_cgroup("0::/\n", "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw\n"));
    CHECK_FALSE(own_cgroup("", ""));
}

TEST_CASE("a group ends with all that was started in it, and nothing of it is left") {
    const Groups groups;
    if (groups.app.empty())
        return;
    const Path cgroup = make_cgroup(groups.app, "v1.web.1.a");
    CHECK_FALSE(is_populated(cgroup));
    const pid_t child = started_in(cgroup);
    REQUIRE(child > 0);
    CHECK(eventually([&] { return processes_in(cgroup).size() == 4; }));
    CHECK(is_populated(cgroup));
    CHECK_FALSE(remove_cgroup(cgroup));
    CHECK(end_cgroup(cgroup, tests::patience));
    CHECK_FALSE(sys::is_there(groups.app));
    CHECK(processes_in(cgroup).empty());
    CHECK_FALSE(is_populated(cgroup));
    int status = 0;
    CHECK(::waitpid(child, &status, 0) == child);
    CHECK(WTERMSIG(status) == SIGKILL);
}

TEST_CASE("groups that the app made in its own are killed and removed with it") {
    const Groups groups;
    if (groups.app.empty())
        return;
    const Path cgroup = make_cgroup(groups.app, "v1.web.1.a");
    REQUIRE(::mkdir((cgroup / "inner").c_str(), 0755) == 0);
    REQUIRE(::mkdir((cgroup / "inner/most").c_str(), 0755) == 0);
    const pid_t child = started_in(cgroup / "inner/most");
    CHECK(eventually([&] { return processes_in(cgroup).size() == 4; }));
    CHECK(end_cgroup(cgroup, tests::patience));
    CHECK_FALSE(sys::is_there(cgroup));
    (void)::waitpid(child, nullptr, 0);
}

TEST_CASE("a process is never given a group that somebody is in") {
    const Groups groups;
    if (groups.app.empty())
        return;
    const Path first = make_cgroup(groups.app, "v1.web.1.a");
    const pid_t child = started_in(first);
    const Path second = make_cgroup(groups.app, "v1.web.1.a");
    CHECK(second != first);
    CHECK(second.parent_path() == groups.app);
    CHECK(end_cgroup(first, tests::patience));
    CHECK(make_cgroup(groups.app, "v1.web.1.a") == first);
    CHECK(remove_cgroup(first));
    CHECK(remove_cgroup(second));
    CHECK_FALSE(sys::is_there(groups.app));
    (void)::waitpid(child, nullptr, 0);
}

TEST_CASE("two run folders never have one group, whatever is in their names") {
    const TestFolder folder;
    std::set<Path> apps;
    for (const char* name : {"a:b", "a%3Ab", "a b", "a/b"}) {
        sys::make_folders(folder / name, 0700);
        try {
            apps.insert(app_cgroup(folder / name));
        } catch (const Error& error) {
            MESSAGE("skipped, no control groups here: " << error.why());
            return;
        }
    }
    CHECK(apps.size() == 4);
    for (const Path& app : apps)
        CHECK_FALSE(sys::is_there(app)); // as long as there is no process
}

TEST_CASE("groups that are not there are no error") {
    CHECK(processes_in("/nowhere").empty());
    CHECK_FALSE(is_populated("/nowhere"));
    CHECK_FALSE(is_populated(""));
    kill_cgroup("/nowhere");
    CHECK_FALSE(remove_cgroup(""));
}

#include "core/supervise/cgroup.hpp"

#include "core/base/error.hpp"
#include "core/supervise/launch.hpp"
#include "core/sys/process.hpp"
#include "tests/unit/supervised_app.hpp"

#include <algorithm>
#include <csignal>
#include <set>
#include <sstream>
#include <thread>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace shipit;
using namespace shipit::supervise;
using namespace std::chrono_literals;
using tests::eventually;
using tests::SupervisedApp;
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

// Fifty grandchildren that ignore SIGTERM in sessions of their own, and their pids as they come.
constexpr const char* fifty =
    "for i in $(seq 50); do setsid -f setsid -f sh -c "
    "'trap \"\" TERM; echo $$ >> pids; while :; do sleep 9; done'; done; ";

std::vector<pid_t> pids_in(const Path& file) {
    std::vector<pid_t> pids;
    std::istringstream lines(sys::read_file_if_any(file).value_or(""));
    for (pid_t pid = 0; lines >> pid;)
        pids.push_back(pid);
    return pids;
}

class FiftyEscaped {
  public:
    // `main`: what the main process does after it started them.
    FiftyEscaped(bool cgroups, const std::string& main) {
        Generation generation = m_app.worker(1, fifty + main);
        generation.programs[0].stop_timeout = stop_timeout;
        m_app.adjust = [cgroups](SupervisorOptions& options) { options.cgroups = cgroups; };
        m_app.set_live(generation);
        m_app.supervise();
        REQUIRE(eventually([this] { return pids_in(m_app.folder() / "pids").size() == 50; }));
        for (const pid_t pid : pids_in(m_app.folder() / "pids"))
            m_ends.emplace_back(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U)));
    }

    // From the order to stop until none of them lives; of what comes back it is known already.
    milliseconds stopped_after() {
        const auto begin = std::chrono::steady_clock::now();
        std::thread asking([this] { (void)m_app.ask("stop"); });
        for (const sys::Fd& end : m_ends) {
            pollfd ended{end.get(), POLLIN, 0};
            (void)::poll(&ended, 1, 60000);
        }
        const auto took = std::chrono::steady_clock::now() - begin;
        asking.join();
        return std::chrono::ceil<milliseconds>(took);
    }

    [[nodiscard]] bool has_cgroups() const { return m_app.ask("status")["cgroups"].boolean(); }

    static constexpr milliseconds stop_timeout{1000};

  private:
    SupervisedApp m_app;
    std::vector<sys::Fd> m_ends;
};

// Tried ten times at most, since others run beside: what the mechanism takes is the shortest.
// None where there are no control groups.
std::optional<milliseconds> shortest_stop(const std::string& main, bool cgroups,
                                          milliseconds goal) {
    auto shortest = milliseconds::max();
    for (int tries = 0; tries < 10 && shortest > goal; ++tries) {
        FiftyEscaped escaped(cgroups, main);
        if (cgroups && !escaped.has_cgroups())
            return {};
        shortest = std::min(shortest, escaped.stopped_after());
    }
    return shortest;
}

// `main`: of a shell, the process that is told to stop. `allowed`: the time that it is given for
// that.
void require_soon_gone(const std::string& main, milliseconds allowed) {
    for (const bool cgroups : {true, false}) {
        const milliseconds goal = allowed + (cgroups ? 100ms : 1000ms);
        const auto took = shortest_stop(main, cgroups, goal);
        if (!took) {
            MESSAGE("skipped, no control groups here");
            continue;
        }
        MESSAGE(std::string(cgroups ? "with" : "without")
                << " control groups: " << (*took - allowed).count() << " ms after its end");
#ifndef __SANITIZE_ADDRESS__ // which slows everything down
        CHECK(*took <= goal);
#endif
    }
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

TEST_CASE("nothing is left of fifty escaped processes soon after the kill") {
    require_soon_gone("trap '' TERM; while :; do sleep 9; done", FiftyEscaped::stop_timeout);
}

TEST_CASE("nothing is left of fifty escaped processes soon after their main process has stopped") {
    require_soon_gone("exec sleep 1000", 0ms);
}

TEST_CASE("what escaped and can hear SIGTERM has time to end when its main process has stopped") {
    SupervisedApp app;
    app.set_live(app.worker(1,
                            "setsid -f setsid -f sh -c 'trap \"sleep 0.2; echo 1 > ended; exit\" "
                            "TERM; echo $$ > pids; while :; do sleep 0.05; done'; "
                            "exec sleep 1000"));
    app.supervise();
    REQUIRE(eventually([&] { return pids_in(app.folder() / "pids").size() == 1; }));
    CHECK(app.ask("stop")["ok"].boolean());
    CHECK(sys::is_there(app.folder() / "ended"));
}

TEST_CASE("a process has a group of its own, as long as it runs") {
    const Groups groups;
    if (groups.app.empty())
        return;
    SupervisedApp app;
    app.set_live(app.worker(1, "sleep 1000"));
    app.supervise();
    REQUIRE(eventually([&] { return app.is_up("worker.1"); }));
    const auto group_of = [&app](const std::string& process) {
        return own_cgroup(
                   sys::read_file("/proc/" + std::to_string(app.pid_of(process)) + "/cgroup"),
                   sys::read_file("/proc/self/mountinfo"))
            .value_or("");
    };
    const Path group = group_of("worker.1");
    CHECK(group.filename() == "v1.worker.1.a");
    CHECK(group.parent_path() == app_cgroup(app.run()));
    // Another supervisor goes on with it.
    app.kill_supervisor();
    app.supervise();
    CHECK(group_of("worker.1") == group);
    ::kill(app.pid_of("worker.1"), SIGKILL);
    CHECK(eventually([&] { return app.process("worker.1")["restarts"].integer() == 1; }));
    REQUIRE(eventually([&] { return app.is_up("worker.1"); }));
    CHECK(group_of("worker.1") == group);
    CHECK(app.ask("stop")["ok"].boolean());
    CHECK_FALSE(sys::is_there(group.parent_path()));
}

TEST_CASE("the next supervisor ends what a killed one left in the groups, and removes them") {
    const Groups groups;
    if (groups.app.empty())
        return;
    SupervisedApp app;
    // Of the main process nothing is left, and what it started has none of our pipes.
    app.set_live(app.worker(1, "setsid -f sh -c 'exec >/dev/null 2>&1; echo $$ > pids; "
                               "exec sleep 1000'; exec sleep 1000"));
    app.supervise();
    REQUIRE(eventually([&] { return pids_in(app.folder() / "pids").size() == 1; }));
    const pid_t left = pids_in(app.folder() / "pids").at(0);
    const sys::ProcessName name{left, sys::start_time_of(left).value_or(0)};
    const pid_t main = app.pid_of("worker.1");
    app.kill_supervisor();
    ::kill(main, SIGKILL);
    const Path folder = app_cgroup(app.run());
    REQUIRE(::mkdir((folder / "empty").c_str(), 0755) == 0);
    sys::remove_file(app.folder() / "live");
    app.supervise();
    CHECK(eventually([&] { return !sys::is_alive(name); }));
    CHECK_FALSE(sys::is_there(folder));
}

TEST_CASE("a process is started within five milliseconds, also into a group of its own") {
    const Groups groups;
    for (const bool in_group : {true, false}) {
        if (in_group && groups.app.empty())
            continue;
        std::vector<double> took;
        for (int round = 0; round < 21; ++round) {
            Loop loop;
            Launch launch;
            launch.argv = {"/bin/true"};
            launch.folder = "/";
            launch.reported = Reported::binds;
            const auto begin = std::chrono::steady_clock::now();
            const Path group = in_group ? make_cgroup(groups.app, "v1.web.1.a") : Path();
            const sys::Fd folder =
                in_group ? sys::open_file(group, O_PATH | O_DIRECTORY) : sys::Fd();
            launch.cgroup = folder.get();
            const Child child(loop, launch, [&loop](WaitStatus /*status*/) { loop.stop(); });
            took.push_back(
                std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
                    .count());
            loop.run();
            CHECK((!in_group || end_cgroup(group, tests::patience)));
        }
        std::sort(took.begin(), took.end());
        MESSAGE(std::string(in_group ? "into a group" : "without a group")
                << ": median " << took[took.size() / 2] << " ms, longest " << took.back());
#ifndef __SANITIZE_ADDRESS__      // which slows everything down
        CHECK(took.front() <= 5); // not the median: others run beside
#endif
    }
}

#include "core/supervise/supervisor.hpp"

#include "core/base/text.hpp"
#include "core/supervise/detach.hpp"
#include "core/supervise/log_reader.hpp"
#include "core/supervise/saved_state.hpp"
#include "core/sys/process.hpp"
#include "tests/unit/supervised_app.hpp"

#include <doctest/doctest.h>

using namespace shipit;
using namespace shipit::supervise;
using namespace std::chrono_literals;
using tests::eventually;
using tests::SupervisedApp;

namespace {

// A zombie, whose parent has yet to ask for its status, is.
bool is_gone(pid_t pid) {
    const auto stat = sys::read_file_if_any("/proc/" + std::to_string(pid) + "/stat");
    return !stat || stat->substr(stat->rfind(')') + 2, 1) == "Z";
}

pid_t pid_in(const sys::Path& file) {
    const auto content = sys::read_file_if_any(file);
    return content && !trimmed(*content).empty() ? std::stoi(*content) : 0;
}

// A client asks, and dies once it is seen to: then `work` goes on, with nobody to tell.
void leave(const SupervisedApp& app, const char* request, const std::string& work) {
    const auto times_told = [&] {
        const std::string log = sys::read_file(app.log() / supervisor_log_name);
        std::size_t times = 0;
        const std::string told = "nobody waits for its end any more: " + work;
        for (auto at = log.find(told); at != log.npos; at = log.find(told, at + 1))
            ++times;
        return times;
    };
    const auto before = times_told();
    {
        Client client(app.run());
        client.send(Json::object({{"request", request}}));
        REQUIRE(eventually([&] { return app.ask("status")["busy_with"].text() == work; }));
    }
    REQUIRE(eventually([&] { return times_told() > before; }));
}

} // namespace

TEST_SUITE_BEGIN("supervise::Supervisor");

TEST_CASE("what is live is started, and is up once it is healthy") {
    SupervisedApp app;
    app.set_live(app.web(7));
    app.supervise();
    CHECK(eventually([&] { return app.is_up("web.1"); }));
    CHECK(app.serves("v7"));
    const Json process = app.process("web.1");
    CHECK(process["release"].text() == "v7");
    CHECK(process["restarts"].integer() == 0);
    CHECK(process["memory"].integer() > 100000);
    CHECK(process["port"].integer() == app.port());
    const auto log = LogReader(app.log() / app_log_name, {"web.1", ReleaseNumber(7)}).last(10);
    REQUIRE(log.size() == 1);
    CHECK(log[0].text == "listening");
}

TEST_CASE("what a killed supervisor was writing is removed by the next one") {
    SupervisedApp app;
    sys::replace_durably(app.run() / ".new-state.json-AbCdEf", "half", 0600);
    app.supervise();
    CHECK_FALSE(sys::is_there(app.run() / ".new-state.json-AbCdEf"));
}

TEST_CASE("a killed process is back within a second, and the restart is counted") {
    SupervisedApp app;
    app.set_live(app.web(1));
    app.supervise();
    REQUIRE(eventually([&] { return app.is_up("web.1"); }));
    const pid_t before = app.pid_of("web.1");
    ::kill(before, SIGKILL);
    const sys::Deadline second(1s);
    CHECK(eventually([&] { return app.serves("v1"); }));
#ifndef __SANITIZE_ADDRESS__ // which slows everything down
    CHECK_FALSE(second.passed());
#endif
    const Json process = app.process("web.1");
    CHECK(process["restarts"].integer() == 1);
    CHECK(process["pid"].integer() != before);
    CHECK(process["last_exit"].text().rfind("was killed by SIGKILL after ", 0) == 0);
}

TEST_CASE("a process that keeps crashing is told about, and goes on being started") {
    SupervisedApp app;
    app.set_live(app.worker(1, "false"));
    app.adjust = [](SupervisorOptions& options) {
        options.limits.first_delay = 10ms;
        options.limits.longest_delay = 20ms;
    };
    app.supervise();
    CHECK(eventually([&] { return app.process("worker.1")["restarts"].integer() > 6; }));
    CHECK(app.process("worker.1")["crash_looping"].boolean());
    CHECK(app.told() == "crash loop v1 worker.1\n");
}

TEST_CASE("stop ends all processes, start brings them back") {
    SupervisedApp app;
    app.set_live(app.web(1));
    app.supervise();
    REQUIRE(eventually([&] { return app.is_up("web.1"); }));
    const pid_t before = app.pid_of("web.1");
    CHECK(app.ask("stop")["ok"].boolean());
    CHECK(is_gone(before));
    CHECK(app.process("web.1")["state"].text() == "stopped");
    CHECK(app.ask("start")["ok"].boolean());
    CHECK(app.serves("v1"));
}

TEST_CASE("one process is restarted without the others") {
    SupervisedApp app;
    Generation generation = app.web(1);
    generation.programs.push_back(app.program("worker.1", 1, "sleep 1000"));
    app.set_live(generation);
    app.supervise();
    REQUIRE(eventually([&] { return app.is_up("web.1") && app.is_up("worker.1"); }));
    const pid_t web = app.pid_of("web.1");
    const pid_t worker = app.pid_of("worker.1");
    const Json answer = app.ask(Json::object({{"request", "restart"}, {"process", "worker.1"}}));
    CHECK(answer["ok"].boolean());
    CHECK(app.pid_of("web.1") == web);
    CHECK(app.pid_of("worker.1") != worker);
    const Json unknown = app.ask(Json::object({{"request", "stop"}, {"process", "clock"}}));
    CHECK(unknown["why"].text() == "there is no process 'clock'");
    CHECK(unknown["next"].text() == "'shipit ps' lists them");
    const Json typo = app.ask(Json::object({{"request", "stop"}, {"process", "woker"}}));
    CHECK(typo["next"].text() == "did you mean 'worker'?");
}

TEST_CASE("one that keeps crashing does not fail another one's restart") {
    SupervisedApp app;
    app.adjust = [](SupervisorOptions& options) {
        options.limits.first_delay = options.limits.longest_delay = 0ms;
    };
    Generation generation = app.web(1);
    generation.programs.push_back(app.program("worker.1", 1, "sleep 0.02; false"));
    app.set_live(generation);
    app.supervise();
    REQUIRE(eventually([&] { return app.process("worker.1")["crash_looping"].boolean(); }));
    REQUIRE(eventually([&] { return app.is_up("web.1"); }));
    const pid_t web = app.pid_of("web.1");
    const Json answer = app.ask(Json::object({{"request", "restart"}, {"process", "web.1"}}));
    INFO(answer.dump());
    CHECK(answer["ok"].boolean());
    CHECK(app.pid_of("web.1") != web);
}

TEST_CASE("one that ends at once fails its restart, though the health check passes") {
    SupervisedApp app;
    Generation generation = app.web(1);
    generation.programs.push_back(
        app.program("worker.1", 1, "[ -e sound ] || { sleep 0.3; exit 9; }; sleep 1000"));
    sys::replace_durably(app.folder() / "sound", "", 0644);
    app.set_live(generation);
    app.supervise();
    REQUIRE(app.ask("start")["ok"].boolean());
    sys::remove_file(app.folder() / "sound");
    const Json restart = Json::object({{"request", "restart"}, {"process", "worker"}});
    CHECK(app.ask(restart)["why"].text().starts_with("worker.1 exited with status 9 after "));
    REQUIRE(app.ask("stop")["ok"].boolean());
    CHECK(app.ask("start")["why"].text().starts_with("worker.1 exited with status 9 after "));
}

TEST_CASE("a start that nobody waits for any more is in nobody's way") {
    SupervisedApp app;
    Generation broken = app.web(1);
    broken.programs[0].environment.emplace_back("STATUS", "503");
    broken.health.timeout = 1h;
    app.set_live(broken);
    app.supervise();
    leave(app, "start", "starting processes");
    CHECK(app.ask("status")["busy_with"].is_null());
    CHECK(app.deploy(app.web(2))["ok"].boolean());
    CHECK(app.serves("v2"));
}

TEST_CASE(
    "an order waits for the end of a stop, or of a restart's, that nobody waits for any more") {
    SupervisedApp app;
    app.set_live(app.worker(1, "trap '' TERM; while :; do sleep 1; done"));
    app.supervise();
    REQUIRE(app.ask("start")["ok"].boolean());
    const pid_t first = app.pid_of("worker.1");
    leave(app, "stop", "stopping processes");
    const Json started = app.ask("start");
    INFO(started.dump());
    CHECK(started["ok"].boolean());
    const pid_t second = app.pid_of("worker.1");
    CHECK(second != first);
    leave(app, "restart", "restarting processes");
    const Json stopped = app.ask("stop");
    INFO(stopped.dump());
    CHECK(stopped["ok"].boolean());
    CHECK(is_gone(second));
    CHECK(app.process("worker.1")["state"].text() == "stopped");
}

TEST_CASE("a start that fails says why, with the last lines") {
    SupervisedApp app;
    app.supervise();
    app.set_live(app.worker(1, "sh -c 'echo no database; exit 3'"));
    const Json answer = app.ask("start");
    CHECK_FALSE(answer["ok"].boolean());
    CHECK(answer["why"].text().rfind("worker.1 exited with status 3 after 0.", 0) == 0);
    // What is live is started again and again, also while the answer is on its way.
    CHECK(answer["evidence"].text().starts_with("worker.1: no database\n"));
}

TEST_CASE("nothing of a tree survives a stop: daemons, deaf ones, grandchildren") {
    SupervisedApp app;
    app.set_live(app.worker(
        1,
        "for i in 1 2 3 4 5; do setsid -f setsid -f sh -c 'trap \"\" TERM; echo $$ > daemon'$i'; "
        "while :; do sleep 0.1; done'; done; (trap '' TERM; echo $BASHPID > deaf; "
        "while :; do sleep 0.1; done) & exec sleep 1000"));
    app.supervise();
    std::vector<pid_t> pids;
    for (const char* name : {"daemon1", "daemon2", "daemon3", "daemon4", "daemon5", "deaf"}) {
        REQUIRE(eventually([&] { return pid_in(app.folder() / name) != 0; }));
        pids.push_back(pid_in(app.folder() / name));
    }
    CHECK(app.ask("stop")["ok"].boolean());
    for (const pid_t pid : pids)
        CHECK(is_gone(pid));
}

TEST_CASE("a main process that ignores SIGTERM is killed at its stop timeout") {
    SupervisedApp app;
    Generation generation =
        app.worker(1, "trap '' TERM; echo $$ > deaf; while :; do sleep 0.05; done");
    generation.programs[0].stop_timeout = 300ms;
    app.set_live(generation);
    app.supervise();
    REQUIRE(eventually([&] { return pid_in(app.folder() / "deaf") != 0; }));
    const pid_t pid = pid_in(app.folder() / "deaf");
    CHECK(app.ask("stop")["ok"].boolean());
    CHECK(is_gone(pid));
}

TEST_CASE("an order that comes while an earlier supervisor's leftovers end waits for that") {
    SupervisedApp app;
    Generation earlier =
        app.worker(1, "trap '' TERM; echo $$ > deaf; while :; do sleep 0.05; done");
    earlier.programs[0].stop_timeout = 500ms;
    app.set_live(earlier);
    app.supervise();
    REQUIRE(eventually([&] { return pid_in(app.folder() / "deaf") != 0; }));
    app.kill_supervisor();
    app.set_live(app.worker(2, "sleep 1000"));
    app.supervise();
    CHECK(app.ask("start")["ok"].boolean());
    CHECK(app.process("worker.1")["release"].text() == "v2");
    CHECK(is_gone(pid_in(app.folder() / "deaf")));
}

TEST_CASE("SIGTERM stops the processes and ends the supervisor with 0") {
    SupervisedApp app;
    app.set_live(app.web(1));
    app.supervise();
    REQUIRE(eventually([&] { return app.is_up("web.1"); }));
    const pid_t web = app.pid_of("web.1");
    CHECK(app.end_supervisor() == 0);
    CHECK(is_gone(web));
    CHECK_FALSE(Client::answers(app.run(), 10s));
}

TEST_CASE("a supervisor that cannot write its state down ends all the same when it is told to") {
    SupervisedApp app;
    app.set_live(app.worker(1, "sleep 1000"));
    app.supervise();
    REQUIRE(eventually([&] { return app.is_up("worker.1"); }));
    const pid_t worker = app.pid_of("worker.1");
    (void)sys::remove_file(app.run() / "state.json");
    sys::make_folders(app.run() / "state.json" / "in the way", 0700);
    CHECK(app.end_supervisor() == 0);
    CHECK(is_gone(worker));
}

TEST_CASE("a supervisor that is ending says so") {
    SupervisedApp app;
    Generation generation =
        app.worker(1, "trap '' TERM; echo $$ > deaf; while :; do sleep 0.05; done");
    generation.programs[0].stop_timeout = 500ms;
    app.set_live(generation);
    app.supervise();
    REQUIRE(eventually([&] { return pid_in(app.folder() / "deaf") != 0; }));
    CHECK_FALSE(app.ask("ping")["ending"].boolean());
    CHECK(app.ask("shutdown")["ok"].boolean());
    CHECK(app.ask("ping")["ending"].boolean());
}

TEST_CASE("an app has one supervisor") {
    SupervisedApp app;
    app.supervise();
    SupervisorOptions options;
    options.run_folder = app.run();
    options.log_folder = app.log();
    CHECK_THROWS_AS(Supervisor(std::move(options)), Error);
    CHECK(app.ask("ping")["ok"].boolean());
}

TEST_CASE("a killed supervisor's processes go on, and the next one takes them over") {
    SupervisedApp app;
    app.set_live(app.web(3));
    app.supervise();
    REQUIRE(eventually([&] { return app.is_up("web.1"); }));
    const pid_t web = app.pid_of("web.1");
    app.kill_supervisor();
    CHECK(app.serves("v3"));
    app.supervise();
    CHECK(app.pid_of("web.1") == web);
    CHECK(app.is_up("web.1"));
    // It is watched: its end is seen, and it is started again.
    ::kill(web, SIGKILL);
    CHECK(eventually([&] { return app.process("web.1")["restarts"].integer() == 1; }));
    CHECK(eventually([&] { return app.serves("v3"); }));
}

TEST_CASE("a state that could not be saved is saved once it can be, though nothing else happens") {
    SupervisedApp app;
    app.set_live(app.worker(1, "sleep 1000"));
    app.supervise();
    REQUIRE(eventually([&] { return app.is_up("worker.1"); }));
    const pid_t before = app.pid_of("worker.1");
    const sys::Path state = app.run() / "state.json";
    REQUIRE(eventually([&] { return sys::remove_file(state); }));
    sys::make_folders(state / "in the way", 0700);
    ::kill(before, SIGKILL);
    REQUIRE(eventually([&] { return app.is_up("worker.1") && app.pid_of("worker.1") != before; }));
    sys::remove_tree(state);
    CHECK(eventually([&] {
        const auto saved = saved_state(app.run());
        return saved.processes.size() == 1 &&
               saved.processes.front().process.main.pid == app.pid_of("worker.1");
    }));
}

TEST_CASE("a copy of an app lays no claim to the processes of the app") {
    SupervisedApp app;
    app.set_live(app.worker(1, "sleep 1000"));
    app.supervise();
    REQUIRE(eventually([&] { return app.is_up("worker.1"); }));
    REQUIRE(eventually([&] { return saved_state(app.run()).processes.size() == 1; }));
    const sys::Path copy = app.folder() / "copy";
    sys::make_folders(copy, 0700);
    sys::replace_durably(copy / "state.json", sys::read_file(app.run() / "state.json"), 0600);
    CHECK(saved_state(copy).processes.empty());
    CHECK(saved_state(copy).cgroups.empty());
    CHECK_FALSE(has_left_processes(copy));
}

TEST_CASE("the next supervisor stops processes of a release that is not live any more") {
    SupervisedApp app;
    app.set_live(app.web(3));
    app.supervise();
    REQUIRE(eventually([&] { return app.is_up("web.1"); }));
    const pid_t old = app.pid_of("web.1");
    const auto start_time = sys::start_time_of(old).value_or(0);
    app.kill_supervisor();
    app.set_live(app.web(4));
    app.supervise();
    CHECK(eventually([&] { return app.serves("v4"); }));
    CHECK_FALSE(sys::is_alive({old, start_time}));
}

TEST_CASE("what is written while there is no supervisor is not lost") {
    SupervisedApp app;
    app.set_live(app.worker(1, "while [ ! -e go ]; do sleep 0.02; done; echo alone; "
                               "touch done; exec sleep 1000"));
    app.supervise();
    REQUIRE(eventually([&] { return app.pid_of("worker.1") != 0; }));
    app.kill_supervisor();
    sys::replace_durably(app.folder() / "go", "", 0600);
    REQUIRE(eventually([&] { return sys::is_there(app.folder() / "done"); }));
    app.supervise();
    LogReader reader(app.log() / app_log_name, {});
    CHECK(eventually([&] {
        const auto last = reader.last(1);
        return !last.empty() && last[0].text == "alone";
    }));
}

TEST_CASE("a process that the killed supervisor had not written down yet is ended") {
    SupervisedApp app;
    app.set_live(app.web(1));
    app.supervise();
    REQUIRE(eventually([&] { return app.is_up("web.1"); }));
    const pid_t web = app.pid_of("web.1");
    app.kill_supervisor();
    sys::remove_file(app.run() / "state.json");
    app.supervise();
    CHECK(eventually([&] { return app.is_up("web.1"); }));
    CHECK(app.pid_of("web.1") != web);
    CHECK(eventually([&] { return !sys::is_alive({web, sys::start_time_of(web).value_or(0)}); }));
}

TEST_CASE("a state that cannot be read is not taken for none: its processes would be ended") {
    const tests::TestFolder folder;
    sys::replace_durably(folder / "state.json", "{\"half", 0600);
    CHECK(saved_state(folder.path()).processes.empty());
    sys::remove_file(folder / "state.json");
    CHECK(saved_state(folder.path()).processes.empty());
    sys::make_folders(folder / "state.json", 0700);
    CHECK_THROWS_AS((void)saved_state(folder.path()), Error);
    CHECK(readable_state(folder.path()).processes.empty());
}

TEST_CASE("a release that was in its watch when the supervisor was killed is watched again") {
    SupervisedApp app;
    app.adjust = [](SupervisorOptions& options) {
        options.needs_watch = [](ReleaseNumber release) { return release == ReleaseNumber(5); };
    };
    app.set_live(app.web(5));
    app.supervise();
    CHECK(eventually([&] { return app.told() == "good v5\n"; }));
}

TEST_CASE("a release that is to be watched again is watched where it is started at once, too") {
    SupervisedApp app;
    app.adjust = [](SupervisorOptions& options) {
        options.needs_watch = [](ReleaseNumber release) { return release == ReleaseNumber(5); };
    };
    app.set_live(app.worker(5, "sleep 1000"));
    app.supervise();
    CHECK(app.ask("start")["ok"].boolean());
    CHECK(eventually([&] { return app.told() == "good v5\n"; }));
}

TEST_CASE("a release of which it cannot be told whether it is proven is watched") {
    SupervisedApp app;
    app.adjust = [](SupervisorOptions& options) {
        options.needs_watch = [](ReleaseNumber) -> bool {
            throw Error("the marks are unreadable");
        };
    };
    app.set_live(app.worker(5, "sleep 1000"));
    app.supervise();
    CHECK(eventually([&] { return app.told() == "good v5\n"; }));
}

TEST_CASE("a process that writes without end is read, and others are heard all the same") {
    SupervisedApp app;
    Generation generation = app.web(1);
    generation.programs.push_back(app.program("worker.1", 1, "yes"));
    generation.programs.push_back(app.program("worker.2", 1, "cat /dev/zero"));
    app.set_live(generation);
    app.adjust = [](SupervisorOptions& options) { options.rotation = {1 << 20, 2}; };
    app.supervise();
    CHECK(eventually([&] { return app.is_up("web.1"); }));
    for (int i = 0; i < 10; ++i)
        CHECK(app.ask("ping")["ok"].boolean());
#ifndef __SANITIZE_ADDRESS__ // which keeps what was freed
    CHECK(sys::resident_bytes(app.pid()) < 64 << 20);
#endif
    CHECK(sys::names_in(app.log()) ==
          std::vector<std::string>{"app.log", "app.log.1", "supervisor.log"});
    CHECK(app.ask("stop")["ok"].boolean());
}

TEST_CASE("a helper of the supervisor's own is not taken for a stray process") {
    SupervisedApp app;
    // Helpers work in /, as daemons do.
    app.adjust = [&](SupervisorOptions& options) {
        const std::string file = (app.folder() / "helper").string();
        options.on_ready = [file, log = app.folder() / "aside"] {
            spawn_aside({"/bin/sh", "-c", "echo $$ > " + file + "; exec sleep 1000"}, log);
        };
    };
    app.supervise();
    REQUIRE(eventually([&] { return pid_in(app.folder() / "helper") != 0; }));
    const pid_t helper = pid_in(app.folder() / "helper");
    CHECK(app.deploy(app.web(1))["ok"].boolean());
    CHECK(app.deploy(app.web(2))["ok"].boolean());
    CHECK(app.end_supervisor() == 0);
    CHECK_FALSE(is_gone(helper));
    ::kill(helper, SIGKILL);
}

TEST_SUITE_END();

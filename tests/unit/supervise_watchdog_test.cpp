// The watchdog of processes that say that they are alive: core/supervise/process_notices.cpp.
#include "core/base/text.hpp"
#include "tests/unit/speaking_app.hpp"

#include <doctest/doctest.h>
#include <fmt/core.h>

using namespace shipit;
using namespace shipit::supervise;
using namespace std::chrono_literals;
using tests::eventually;
using tests::SpeakingApp;

namespace {

// Says that it is ready, that it is alive for twice as long as its time, and then where it is.
constexpr const char* lives_for_two_seconds =
    "say('READY=1'); [(say('WATCHDOG=1'), time.sleep(0.1)) for _ in range(20)]; say('STATUS=here')";

// A worker that is live, with a watchdog of a second that begins when it says that it is ready.
struct WatchedApp : SpeakingApp {
    WatchedApp() { set_live(watched(1)); }

    [[nodiscard]] Generation watched(std::uint64_t release) const {
        Generation generation = speaking(release);
        generation.programs[0].watchdog = 1s;
        generation.programs[0].environment.emplace_back("WATCHDOG_PID", "1");
        generation.programs[0].environment.emplace_back("WATCHDOG_USEC", "1");
        return generation;
    }
    [[nodiscard]] std::string said() const { return process("worker.1")["said"].text(); }
    [[nodiscard]] std::int64_t restarts() const {
        return process("worker.1")["restarts"].integer();
    }
    [[nodiscard]] std::string last_exit() const { return process("worker.1")["last_exit"].text(); }
    [[nodiscard]] bool ended(const std::string& how) const {
        return eventually([&] { return last_exit().rfind(how + " after ", 0) == 0; });
    }
};

} // namespace

TEST_SUITE_BEGIN("supervise: watchdog");

TEST_CASE("a process that goes silent is aborted and started again, one that does not is left") {
    WatchedApp app;
    app.supervise();
    app.tell(1, lives_for_two_seconds);
    REQUIRE(eventually([&] { return app.said() == "here"; }));
    CHECK(app.restarts() == 0);
    CHECK(app.is_up("worker.1"));
    CHECK(app.ended("sent no WATCHDOG=1 for 1s and was killed by SIGABRT"));
    CHECK(eventually([&] { return app.restarts() == 1; }));
    CHECK(eventually([&] { return app.state() == "starting"; }));
    CHECK(app.own_log().find("worker.1 sent no WATCHDOG=1 for 1s, and is ended") !=
          std::string::npos);
}

TEST_CASE("where a process does not say that it is ready, its time begins with its start") {
    WatchedApp app;
    Generation generation = app.watched(1);
    generation.programs[0].notify = false;
    app.set_live(generation);
    app.supervise();
    CHECK(app.ended("sent no WATCHDOG=1 for 1s and was killed by SIGABRT"));
}

TEST_CASE("a process finds its time and its own pid in its environment") {
    WatchedApp app;
    app.supervise();
    app.tell(1, "say('STATUS=' + os.environ['WATCHDOG_USEC'] + ' ' + os.environ['WATCHDOG_PID'])");
    CHECK(eventually(
        [&] { return app.said() == fmt::format("1000000 {}", app.pid_of("worker.1")); }));
}

TEST_CASE("one that is stopped or ignores its abortion is killed after its stop timeout") {
    WatchedApp app;
    Generation generation = app.watched(1);
    generation.programs[0].stop_timeout = 300ms;
    app.set_live(generation);
    app.supervise();
    app.tell(1, "signal.signal(signal.SIGABRT, signal.SIG_IGN); say('READY=1')");
    CHECK(eventually([&] { return app.state() == "hung"; }));
    CHECK(app.ended("sent no WATCHDOG=1 for 1s and was killed by SIGKILL"));
    app.tell(1, "say('READY=1'); os.kill(os.getpid(), signal.SIGSTOP)");
    CHECK(app.ended("sent no WATCHDOG=1 for 1s and was killed by SIGABRT"));
}

TEST_CASE("a process may say itself that it hangs") {
    SpeakingApp app;
    app.set_live(app.speaking(1)); // without a time
    app.supervise();
    app.tell(1, "say('READY=1\\nWATCHDOG=trigger')");
    CHECK(eventually([&] {
        return app.process("worker.1")["last_exit"].text().rfind(
                   "said WATCHDOG=trigger and was killed by SIGABRT after ", 0) == 0;
    }));
}

TEST_CASE("a release whose process hangs within its watch has failed, as soon as that is known") {
    WatchedApp app;
    app.supervise();
    Generation next = app.watched(2);
    next.health.watch = 60s;
    next.programs[0].stop_timeout = 60s;
    Client client(app.run());
    client.send(Json::object({{"request", "replace"}, {"generation", to_json(next)}}));
    app.tell(2, "signal.signal(signal.SIGABRT, signal.SIG_IGN)");
    app.tell(2, lives_for_two_seconds);
    for (;;) {
        const auto event = client.next(tests::patience);
        REQUIRE(event);
        if ((*event)["event"].text() == "healthy")
            client.send(Json::object({{"request", "commit"}}));
        if (!(*event)["done"].boolean())
            continue;
        CHECK((*event)["watch_failed"].boolean());
        CHECK((*event)["why"].text() == "worker.1 sent no WATCHDOG=1 for 1s");
        break;
    }
    ::kill(app.pid_of("worker.1"), SIGKILL);
}

TEST_CASE("the supervisor after a killed one watches on, from the beginning") {
    WatchedApp app;
    app.supervise();
    app.tell(1, lives_for_two_seconds);
    REQUIRE(eventually([&] { return app.is_up("worker.1"); }));
    REQUIRE(eventually([&] {
        return sys::read_file(app.run() / "state.json").find("\"said_ready\":true") !=
               std::string::npos;
    }));
    app.kill_supervisor();
    app.supervise();
    CHECK(app.ended("sent no WATCHDOG=1 for 1s and ended")); // whose status its parent was told
}

TEST_CASE("a supervisor that had no processor for a while takes nobody for hung") {
    WatchedApp app;
    app.supervise();
    app.tell(1, "say('READY=1'); os.fork() or always('WATCHDOG=1', 0.1)");
    REQUIRE(eventually([&] { return app.is_up("worker.1"); }));
    ::kill(app.pid(), SIGSTOP);
    ::usleep(1'500'000); // longer than the process's time: what is tested here
    ::kill(app.pid(), SIGCONT);
    app.tell(1, "time.sleep(0.5); say('STATUS=here')");
    CHECK(eventually([&] { return app.said() == "here"; }));
    CHECK(app.restarts() == 0);
    CHECK(app.last_exit().empty());
}

TEST_SUITE_END();

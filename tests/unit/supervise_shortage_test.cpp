// A supervisor that lacks descriptors for a while, as where others' connections have taken them, or
// cannot tell others what it has found.
#include "core/base/error.hpp"
#include "core/sys/process.hpp"
#include "tests/unit/few_descriptors.hpp"
#include "tests/unit/replacing_app.hpp"
#include "tests/unit/speaking_app.hpp"

#include <thread>

#include <doctest/doctest.h>

using namespace shipit;
using namespace shipit::supervise;
using namespace std::chrono_literals;
using tests::eventually;
using tests::NoDescriptorsFor;
using tests::Serving;
using tests::SpeakingApp;
using tests::SupervisedApp;

TEST_SUITE_BEGIN("supervise::Supervisor");

TEST_CASE("a supervisor has many descriptors, and programs the limit that it was started with") {
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    constexpr rlim_t soft = 300;
    const rlimit few{soft, before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
    SupervisedApp app;
    app.set_live(app.worker(1, "sleep 1000"));
    app.supervise();
    (void)::setrlimit(RLIMIT_NOFILE, &before);
    REQUIRE(eventually([&] { return app.is_up("worker.1"); }));
    const auto limit_of = [](pid_t pid) {
        rlimit limit{};
        (void)::prlimit(pid, RLIMIT_NOFILE, nullptr, &limit);
        return limit.rlim_cur;
    };
    CHECK(limit_of(app.pid()) == before.rlim_max);
    CHECK(limit_of(app.pid_of("worker.1")) == soft);
}

#ifndef __SANITIZE_ADDRESS__ // UBSan, beside it, looks through a pipe at the objects that it judges
TEST_CASE("a release that cannot be looked at for a while is not called sick for that") {
    const Serving app;
    Generation next = app.web(2);
    next.warm = 0ms;
    next.health.watch = 3s;
    Client client(app.run());
    const Json answer =
        client.ask(Json::object({{"request", "replace"}, {"generation", to_json(next)}}),
                   tests::patience, [&](const Json& event) {
                       if (event["event"].text() == "healthy") {
                           app.set_live(next);
                           client.send(Json::object({{"request", "commit"}}));
                       } else if (event["event"].text() == "committed") {
                           const NoDescriptorsFor supervisor(app.pid());
                           std::this_thread::sleep_for(1500ms); // it looks once a second
                       }
                   });
    CHECK(answer["ok"].boolean());
    CHECK(eventually([&] { return app.told() == "good v2\n"; }));
}
#endif

TEST_CASE("who waits for a release to be good hears of it when that is written down") {
    Serving app;
    app.kill_supervisor();
    app.adjust = [](SupervisorOptions& options) {
        options.on_good = [tell = options.on_good](ReleaseNumber release) {
            std::this_thread::sleep_for(300ms); // a slow disk
            tell(release);
        };
    };
    app.supervise();
    CHECK(app.deploy(app.web(2))["ok"].boolean());
    CHECK(app.told() == "good v2\n");
}

TEST_CASE("what came of a watch is told again until it could be told") {
    Serving app;
    app.kill_supervisor();
    app.adjust = [](SupervisorOptions& options) {
        options.on_good = [tell = options.on_good,
                           times = std::make_shared<int>(0)](ReleaseNumber release) {
            if ((*times)++ == 0)
                throw Error("the disk is full");
            tell(release);
        };
    };
    app.supervise();
    CHECK(app.deploy(app.web(2))["ok"].boolean());
    CHECK(eventually([&] { return app.told() == "good v2\n"; }));
}

#ifndef __SANITIZE_ADDRESS__
TEST_CASE("what a process says of itself while nobody can see who it is, is heard after that") {
    SpeakingApp app;
    app.supervise();
    Client client(app.run());
    app.set_live(app.speaking(1));
    client.send(Json::object({{"request", "start"}}));
    REQUIRE(eventually([&] { return app.state() == "starting"; }));
    {
        const NoDescriptorsFor supervisor(app.pid());
        app.tell(1, "say('READY=1'); open('said', 'w')");
        REQUIRE(eventually([&] { return sys::is_there(app.folder() / "said"); }));
        std::this_thread::sleep_for(100ms); // it is awake
    }
    CHECK(eventually([&] { return app.state() == "up"; }));
}
#endif

TEST_SUITE_END();

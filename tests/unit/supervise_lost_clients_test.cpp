// Whose replacement goes on, or is undone, without the client that asked for it.
#include "core/supervise/replacement.hpp"

#include "tests/unit/replacing_app.hpp"

#include <doctest/doctest.h>

using namespace shipit;
using namespace shipit::supervise;
using namespace std::chrono_literals;
using tests::eventually;
using tests::last_of;
using tests::replace_request;
using tests::Serving;
using tests::SupervisedApp;
using tests::wait_for;
using tests::with_slow_worker;

namespace {

// A client dies while what it has asked for is being started, which takes its time to end.
void leave_half_done(const SupervisedApp& app) {
    Generation deaf = app.web(2);
    deaf.programs[0].command = "trap '' TERM; while :; do sleep 1; done";
    {
        Client client(app.run());
        client.send(replace_request(deaf));
        wait_for(client, "starting");
    }
    REQUIRE(eventually([&] {
        return sys::read_file(app.log() / "supervisor.log").find("ended before it was done") !=
               std::string::npos;
    }));
}

} // namespace

TEST_SUITE_BEGIN("supervise::Replacement");

TEST_CASE("where the client dies before it moved `current`, the old generation comes back") {
    Serving app;
    {
        Client client(app.run());
        client.send(replace_request(app.web(2)));
        wait_for(client, "healthy");
    }
    CHECK(eventually([&] { return app.serves("v1"); }));
    CHECK(eventually([&] { return app.is_up("web.1"); }));
    CHECK(app.process("web.1")["release"].text() == "v1");
}

TEST_CASE("where the client dies after it moved `current`, the new generation stays") {
    Serving app;
    {
        Client client(app.run());
        client.send(replace_request(app.web(2)));
        wait_for(client, "healthy");
        app.set_live(app.web(2));
    }
    CHECK(eventually([&] { return app.told() == "good v2\n"; }));
    CHECK(app.serves("v2"));
}

TEST_CASE(
    "a switch that is undone, with nobody left to put `current` back, is told to the callback") {
    Serving app;
    const Generation next = with_slow_worker(app, 2); // which takes its time to be undone
    {
        Client client(app.run());
        client.send(replace_request(next));
        wait_for(client, "healthy");
        app.set_live(next);
        (void)app.get("/crash");
        wait_for(client, "failed");
    }
    CHECK(eventually([&] { return !app.told().empty(); }));
    CHECK(app.told().starts_with("failed v2: web.1 exited with status 3 after "));
    CHECK(app.serves("v1"));
}

TEST_CASE("a restart that fails after its client died is no reason to leave the live release") {
    Serving app;
    const Generation again = with_slow_worker(app, 1);
    {
        Client client(app.run());
        client.send(replace_request(again));
        wait_for(client, "healthy");
        (void)app.get("/crash");
        wait_for(client, "failed");
    }
    CHECK(eventually([&] { return app.ask("status")["busy_with"].is_null(); }));
    CHECK(app.serves("v1"));
    CHECK(app.told().empty());
}

TEST_CASE("a client that dies while the new generation starts leaves the old one") {
    Serving app;
    Generation slow = app.web(2);
    slow.programs[0].command = "sleep 1000";
    {
        Client client(app.run());
        client.send(replace_request(slow));
        wait_for(client, "starting");
    }
    CHECK(eventually([&] { return app.serves("v1"); }));
}

TEST_CASE("an order that comes while a dead client's replacement is undone waits for that") {
    Serving app;
    leave_half_done(app);
    CHECK(app.deploy(app.web(3))["ok"].boolean());
    CHECK(app.serves("v3"));
}

TEST_CASE("an order that waits is cancelled, and never begun") {
    Serving app;
    const auto web = app.pid_of("web.1");
    leave_half_done(app);
    Client client(app.run());
    client.send(replace_request(app.web(1)));
    client.send(Json::object({{"request", "abort"}}));
    CHECK(last_of(client)["why"].text() == "it was cancelled");
    CHECK(app.ask("start")["ok"].boolean()); // after all that waits
    CHECK(app.pid_of("web.1") == web);
}

TEST_SUITE_END();

#include "core/supervise/replacement.hpp"

#include "tests/unit/supervised_app.hpp"

#include <doctest/doctest.h>

using namespace shipit;
using namespace shipit::supervise;
using tests::eventually;
using tests::SupervisedApp;

namespace {

// v1 with so many of each.
Generation scaled(const SupervisedApp& app, unsigned webs, unsigned workers) {
    Generation generation = app.web(1);
    generation.programs.clear();
    for (unsigned i = 1; i <= webs; ++i)
        generation.programs.push_back(
            app.program("web." + std::to_string(i), 1, "python3 -S -E server.py"));
    for (unsigned i = 1; i <= workers; ++i)
        generation.programs.push_back(app.program("worker." + std::to_string(i), 1, "sleep 1000"));
    return generation;
}

// An app with v1 serving, a process of each type.
struct ServingAllTypes : SupervisedApp {
    ServingAllTypes() {
        set_live(scaled(*this, 1, 1));
        supervise();
        REQUIRE(eventually([this] { return is_up("web.1") && is_up("worker.1"); }));
    }

    [[nodiscard]] Json scale(const Generation& generation) const {
        Client client(run());
        return client.ask(
            Json::object(
                {{"request", "replace"}, {"generation", to_json(generation)}, {"keep", true}}),
            tests::patience, [&](const Json& event) {
                if (event["event"].text() != "healthy")
                    return;
                set_live(generation);
                client.send(Json::object({{"request", "commit"}}));
            });
    }
    [[nodiscard]] bool is_up_after(pid_t one, const std::string& name) const {
        const Json now = process(name);
        return now["state"].text() == "up" && now["pid"].integer(one) != one;
    }
    [[nodiscard]] bool is_gone(const std::string& name) const { return process(name).is_null(); }
    [[nodiscard]] std::size_t number_of_processes() const {
        const Json status = ask("status");
        return status["processes"].items().size();
    }
};

// A worker that goes on at the other side while the web is scaled, and then another generation of
// the same release, with that command, which comes to the side where the worker was started.
void take_place_of_moved(const ServingAllTypes& app, const std::string& command) {
    const auto overlapping = [](Generation generation) {
        for (Program& program : generation.programs)
            program.overlaps = true;
        generation.warm = std::chrono::milliseconds(0);
        return generation;
    };
    REQUIRE(app.deploy(overlapping(scaled(app, 1, 1)))["ok"].boolean());
    const pid_t worker = app.pid_of("worker.1");
    Generation wider = overlapping(scaled(app, 2, 1));
    REQUIRE(app.scale(wider)["ok"].boolean());
    REQUIRE(app.pid_of("worker.1") == worker);
    REQUIRE(eventually([&] { return app.number_of_processes() == 3; }));
    wider.programs.back().command = command;
    REQUIRE(app.deploy(wider)["ok"].boolean());
    REQUIRE(eventually([&] { return app.number_of_processes() == 3; }));
    REQUIRE(app.pid_of("worker.1") != worker);
}

} // namespace

TEST_SUITE_BEGIN("supervise: scaling");

TEST_CASE("a type that does not listen is scaled in place, and nothing else notices") {
    const ServingAllTypes app;
    const pid_t web = app.pid_of("web.1");
    const pid_t worker = app.pid_of("worker.1");
    CHECK(app.scale(scaled(app, 1, 3))["ok"].boolean());
    CHECK(app.is_up("worker.2"));
    CHECK(app.is_up("worker.3"));
    CHECK(app.scale(scaled(app, 1, 2))["ok"].boolean());
    CHECK(app.is_gone("worker.3"));
    CHECK(app.pid_of("web.1") == web);
    CHECK(app.pid_of("worker.1") == worker);
    CHECK(app.serves("v1"));
}

TEST_CASE(
    "a type that listens comes beside itself, and a worker goes on with the next generation") {
    ServingAllTypes app;
    const pid_t web = app.pid_of("web.1");
    const pid_t worker = app.pid_of("worker.1");
    CHECK(app.scale(scaled(app, 2, 1))["ok"].boolean());
    CHECK(app.serves("v1"));
    CHECK(eventually([&] { return ::kill(web, 0) != 0; }));
    CHECK(app.pid_of("worker.1") == worker);
    const pid_t second = app.pid_of("web.2");

    // It is the next supervisor's, too, though it was started on the other side.
    app.kill_supervisor();
    app.supervise();
    REQUIRE(eventually([&] { return app.is_up("web.2"); }));
    CHECK(app.pid_of("worker.1") == worker);
    CHECK(app.pid_of("web.2") == second);

    // And started again when it ends.
    REQUIRE(::kill(worker, SIGKILL) == 0);
    CHECK(eventually([&] { return app.is_up_after(worker, "worker.1"); }));
}

TEST_CASE("what goes on at the other side and the one that takes its place have a pipe each") {
    const ServingAllTypes app;
    take_place_of_moved(app, "sleep 1000");
    const pid_t next = app.pid_of("worker.1");
    REQUIRE(::kill(next, SIGKILL) == 0);
    CHECK(eventually([&] { return app.is_up_after(next, "worker.1"); }));
}

TEST_CASE("what went on at the other side takes nothing of its successor along when it ends") {
    const ServingAllTypes app;
    if (!app.ask("status")["cgroups"].boolean()) {
        MESSAGE("skipped, no control groups here: which of them left what cannot be told");
        return;
    }
    take_place_of_moved(app, "(setsid sleep 1000 & echo $! > helper); exec sleep 1000");
    const pid_t helper = std::stoi(sys::read_file(app.folder() / "helper"));
    CHECK(::kill(helper, 0) == 0);
}

TEST_CASE("what does not come up leaves everything as it was") {
    const ServingAllTypes app;
    const pid_t web = app.pid_of("web.1");
    const pid_t worker = app.pid_of("worker.1");
    Generation next = scaled(app, 2, 2);
    next.programs.back().command = "false";
    const Json answer = app.scale(next);
    CHECK_FALSE(answer["ok"].boolean());
    CHECK(answer["untouched"].boolean());
    CHECK(app.pid_of("web.1") == web);
    CHECK(app.pid_of("worker.1") == worker);
    CHECK(app.serves("v1"));

    Generation in_place = scaled(app, 1, 2);
    in_place.programs.back().command = "false";
    CHECK_FALSE(app.scale(in_place)["ok"].boolean());
    CHECK(app.pid_of("web.1") == web);
    CHECK(app.serves("v1"));
}

TEST_CASE("a type may have no processes, and get some again") {
    const ServingAllTypes app;
    const pid_t worker = app.pid_of("worker.1");
    CHECK(app.scale(scaled(app, 0, 1))["ok"].boolean());
    CHECK(eventually([&] { return app.is_gone("web.1") && app.get().empty(); }));
    CHECK(app.pid_of("worker.1") == worker);
    CHECK(app.scale(scaled(app, 1, 1))["ok"].boolean());
    CHECK(app.serves("v1"));
    CHECK(app.pid_of("worker.1") == worker);
}

TEST_SUITE_END();

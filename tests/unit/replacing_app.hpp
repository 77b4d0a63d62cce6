// An app whose release is being replaced: the conversation with its supervisor.
#pragma once

#include "tests/unit/supervised_app.hpp"

namespace shipit::tests {

inline Json replace_request(const Generation& generation) {
    return Json::object({{"request", "replace"}, {"generation", supervise::to_json(generation)}});
}

// An app with v1 serving.
struct Serving : SupervisedApp {
    Serving() {
        set_live(web(1));
        supervise();
        REQUIRE(eventually([this] { return is_up("web.1"); }));
    }
};

// Asks for a replacement and waits for an event.
inline void wait_for(Client& client, const std::string& event) {
    for (;;) {
        const auto message = client.next(std::chrono::seconds(5));
        REQUIRE(message);
        REQUIRE_FALSE((*message)["done"].boolean());
        if ((*message)["event"].text() == event)
            return;
    }
}

// The answer, after all events; nothing where one comes that means it is not to be waited for.
inline Json last_of(Client& client, const std::string& unless = "none") {
    for (;;) {
        const auto message = client.next(patience);
        REQUIRE(message);
        if ((*message)["event"].text() == unless)
            return {};
        if ((*message)["done"].boolean())
            return *message;
    }
}

// Beside the web server, a worker that ignores SIGTERM, and so is killed two seconds later.
inline Generation with_slow_worker(const SupervisedApp& app, std::uint64_t release) {
    Generation generation = app.web(release);
    generation.programs.push_back(
        app.program("worker.1", release, "trap '' TERM; while :; do sleep 1; done"));
    return generation;
}

} // namespace shipit::tests

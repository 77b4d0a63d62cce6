#include "core/supervise/policy.hpp"

#include <doctest/doctest.h>

using namespace shipit::supervise;
using namespace std::chrono_literals;

namespace {

const TimePoint zero{};

// A process that is driven by hand.
struct Driven {
    PolicyState state;
    std::vector<Action> actions; // of the latest event
    Limits limits;

    void at(milliseconds time, Event event) {
        PolicyStep step = next_step(std::move(state), event, zero + time, limits);
        state = std::move(step.state);
        actions = std::move(step.actions);
    }
    bool asks_for(Action action) const {
        for (const Action asked : actions)
            if (asked == action)
                return true;
        return false;
    }
    // Ends at `time`, and is launched again when it is due; gives the delay.
    milliseconds crash_and_restart(milliseconds time) {
        at(time, Event::exited);
        REQUIRE(state.phase == Phase::crashed);
        const auto due = std::chrono::duration_cast<milliseconds>(*state.due - zero);
        at(due, Event::due);
        REQUIRE(asks_for(Action::launch));
        at(due, Event::launched);
        return due - time;
    }
};

Driven running() {
    Driven process;
    process.at(0ms, Event::start);
    process.at(0ms, Event::launched);
    return process;
}

} // namespace

TEST_SUITE_BEGIN("supervise::policy");

TEST_CASE("a process that is meant to run is launched") {
    Driven process;
    process.at(0ms, Event::start);
    CHECK(process.actions == std::vector{Action::launch});
    process.at(1ms, Event::launched);
    CHECK(process.state.phase == Phase::up);
    CHECK(process.state.restarts == 0);
}

TEST_CASE(
    "a crash is followed by a restart after a tenth of a second, and what was left is killed") {
    Driven process = running();
    process.at(5000ms, Event::exited);
    CHECK(process.actions == std::vector{Action::end_rest});
    CHECK(*process.state.due >= zero + 5090ms);
    CHECK(*process.state.due <= zero + 5110ms);
    process.at(5110ms, Event::due);
    CHECK(process.actions == std::vector{Action::kill_tree, Action::launch});
    CHECK(process.state.restarts == 1);
}

TEST_CASE("the delay doubles up to half a minute, and restarting never ends") {
    Driven process = running();
    milliseconds time = 0ms;
    milliseconds expected = 100ms;
    for (int crash = 0; crash < 30; ++crash) {
        const milliseconds delay = process.crash_and_restart(time);
        CHECK(delay >= expected * 9 / 10);
        CHECK(delay <= expected * 11 / 10);
        time += delay + 10ms;
        expected = std::min(expected * 2, milliseconds(30s));
    }
    CHECK(process.state.restarts == 30);
}

TEST_CASE("the delays of two processes differ") {
    Driven one = running();
    Driven other = running();
    other.state.seed = 7;
    bool differ = false;
    for (int crash = 0; crash < 5; ++crash)
        differ = one.crash_and_restart(1000ms * crash) != other.crash_and_restart(1000ms * crash) ||
                 differ;
    CHECK(differ);
}

TEST_CASE("staying up for a minute makes the next crash a first one") {
    Driven process = running();
    for (int crash = 0; crash < 4; ++crash)
        (void)process.crash_and_restart(100ms * crash);
    const auto started = std::chrono::duration_cast<milliseconds>(process.state.started - zero);
    CHECK(process.crash_and_restart(started + 60s) <= 110ms);
}

TEST_CASE("five exits in a row are a crash loop, told once, until it stays up") {
    Driven process = running();
    for (int crash = 0; crash < 4; ++crash) {
        process.at(process.state.started - zero > 0ns ? 2000ms * crash : 0ms, Event::exited);
        CHECK_FALSE(process.asks_for(Action::tell_crash_loop));
        process.at(2000ms * crash + 1900ms, Event::due);
        process.at(2000ms * crash + 1900ms, Event::launched);
    }
    process.at(8000ms, Event::exited);
    CHECK(process.asks_for(Action::tell_crash_loop));
    process.at(40s, Event::due);
    process.at(40s, Event::launched);
    CHECK(is_crash_looping(process.state, zero + 41s));
    CHECK_FALSE(is_crash_looping(process.state, zero + 100s));
}

TEST_CASE("a process that never stays up for a minute is in a crash loop, however slow") {
    for (const milliseconds run : {0ms, 1000ms, 15000ms, 59000ms}) {
        CAPTURE(run.count());
        Driven process = running();
        milliseconds time = 0ms;
        std::vector<int> told;
        for (int crash = 1; crash <= 20; ++crash) {
            time += run;
            process.at(time, Event::exited);
            if (process.asks_for(Action::tell_crash_loop))
                told.push_back(crash);
            time = std::chrono::duration_cast<milliseconds>(*process.state.due - zero);
            process.at(time, Event::due);
            process.at(time, Event::launched);
        }
        CHECK(told == std::vector{5});
    }
}

TEST_CASE("a process that stays up for a minute now and then is in no crash loop") {
    Driven process = running();
    milliseconds time = 0ms;
    for (int crash = 1; crash <= 20; ++crash) {
        time += crash % 4 == 0 ? 60s : 1s;
        process.at(time, Event::exited);
        CHECK_FALSE(process.asks_for(Action::tell_crash_loop));
        time = std::chrono::duration_cast<milliseconds>(*process.state.due - zero);
        process.at(time, Event::due);
        process.at(time, Event::launched);
    }
}

TEST_CASE("a command that cannot be launched is tried again like a crash") {
    Driven process;
    process.at(0ms, Event::start);
    process.at(0ms, Event::launch_failed);
    CHECK(process.state.phase == Phase::crashed);
    process.at(110ms, Event::due);
    CHECK(process.asks_for(Action::launch));
}

TEST_CASE("a process that ends when asked is gone when its tree is") {
    Driven process = running();
    process.at(1s, Event::stop);
    CHECK(process.actions == std::vector{Action::ask_to_end});
    process.at(1500ms, Event::exited);
    CHECK(process.actions == std::vector{Action::end_rest});
    CHECK(process.state.phase == Phase::sweeping);
    process.at(1520ms, Event::tree_gone);
    CHECK(process.state.phase == Phase::stopped);
    CHECK_FALSE(process.state.due);
}

TEST_CASE("a process that ignores being asked is killed with its tree at the stop timeout") {
    Driven process = running();
    process.at(1s, Event::stop);
    process.at(30999ms, Event::due);
    CHECK(process.actions.empty());
    process.at(31s, Event::due);
    CHECK(process.actions == std::vector{Action::kill_tree});
    process.at(31050ms, Event::due);
    CHECK(process.actions == std::vector{Action::kill_tree});
    process.at(31060ms, Event::exited);
    process.at(31070ms, Event::tree_gone);
    CHECK(process.state.phase == Phase::stopped);
}

TEST_CASE("what left the session is killed half a second after the main process") {
    Driven process = running();
    process.at(0ms, Event::stop);
    process.at(100ms, Event::exited);
    process.at(600ms, Event::due);
    CHECK(process.actions == std::vector{Action::kill_escaped});
    process.at(30s, Event::due);
    CHECK(process.actions == std::vector{Action::kill_tree});
}

TEST_CASE("stopping a crashed process means that it is not started again") {
    Driven process = running();
    process.at(0ms, Event::exited);
    process.at(50ms, Event::stop);
    process.at(60ms, Event::tree_gone);
    CHECK(process.state.phase == Phase::stopped);
    process.at(200ms, Event::due);
    CHECK(process.actions.empty());
}

TEST_CASE("a start while it is stopping is a restart") {
    Driven process = running();
    process.at(0ms, Event::stop);
    process.at(1ms, Event::start);
    CHECK(process.actions.empty());
    process.at(2ms, Event::exited);
    process.at(3ms, Event::tree_gone);
    CHECK(process.actions == std::vector{Action::launch});
}

TEST_CASE("starting a crashed process by hand does not wait") {
    Driven process = running();
    for (int crash = 0; crash < 6; ++crash)
        (void)process.crash_and_restart(100ms * crash);
    process.at(10s, Event::exited);
    process.at(10001ms, Event::start);
    CHECK(process.actions == std::vector{Action::kill_tree, Action::launch});
    CHECK_FALSE(process.state.crash_looping);
}

TEST_CASE("a stop while a process is being launched is carried out once it is") {
    Driven process;
    process.at(0ms, Event::start);
    process.at(0ms, Event::stop);
    process.at(1ms, Event::launched);
    CHECK(process.asks_for(Action::ask_to_end));
    CHECK(process.state.phase == Phase::stopping);
}

TEST_CASE("a process that hangs is aborted, and started again like one that crashed") {
    Driven process = running();
    process.at(5s, Event::hung);
    CHECK(process.actions == std::vector{Action::abort});
    process.at(6s, Event::hung);
    CHECK(process.actions.empty());
    process.at(7s, Event::exited);
    CHECK(process.actions == std::vector{Action::end_rest});
    process.at(7110ms, Event::due);
    CHECK(process.actions == std::vector{Action::kill_tree, Action::launch});
    process.at(7110ms, Event::launched);
    CHECK_FALSE(process.state.hung);
    CHECK_FALSE(process.state.due);
    CHECK(process.state.restarts == 1);
}

TEST_CASE("a process that hangs and outlives its abortion is killed at the stop timeout") {
    Driven process = running();
    process.at(5s, Event::hung);
    process.at(34999ms, Event::due);
    CHECK(process.actions.empty());
    process.at(35s, Event::due);
    CHECK(process.actions == std::vector{Action::kill_tree});
    process.at(35050ms, Event::due);
    CHECK(process.actions == std::vector{Action::kill_tree});
    process.at(35060ms, Event::exited);
    CHECK(process.state.phase == Phase::crashed);
}

TEST_CASE("only what is up can hang, and what hangs can be stopped") {
    Driven process = running();
    process.at(1s, Event::hung);
    process.at(2s, Event::stop);
    CHECK(process.actions == std::vector{Action::ask_to_end});
    process.at(3s, Event::hung);
    CHECK(process.actions.empty());
    process.at(32s, Event::due);
    CHECK(process.actions == std::vector{Action::kill_tree});
    process.at(33s, Event::exited);
    process.at(34s, Event::tree_gone);
    CHECK(process.state.phase == Phase::stopped);
}

TEST_CASE("every event is answered in every phase") {
    for (int phase = 0; phase <= static_cast<int>(Phase::sweeping); ++phase)
        for (int event = 0; event <= static_cast<int>(Event::stop); ++event) {
            PolicyState state;
            state.phase = static_cast<Phase>(phase);
            state.kill_at = zero + 1s;
            state.due = zero;
            CHECK_NOTHROW((void)next_step(state, static_cast<Event>(event), zero + 2s));
        }
}

TEST_SUITE_END();

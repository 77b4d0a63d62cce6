// What happens to one process next: a pure state machine, without clock, process or timer.
//
//   stopped ──start──▶ up ──exited──▶ crashed ──due──▶ up …        (for ever, with back-off)
//      ▲               │ stop            │ stop
//      │               ▼                 ▼
//      └─tree_gone── sweeping ◀──exited── stopping
//
// stopped   nothing runs and nothing is meant to.
// up        the main process runs.
// crashed   it ended by itself (or could not be launched); it is launched again when `due` passes.
//           One that is taken for hung gets SIGABRT; at `due` the whole tree is killed.
// stopping  it has been asked to end; at `due` the whole tree is killed.
// sweeping  the main process is gone; what it left behind gets `due` to end, then is killed.
//
// A `start` while stopping or sweeping is remembered: the process is launched once its tree is
// gone. The driver carries out the actions in their order, arms one timer for `due`, and feeds what
// happened back in. dinit-like, the whole behaviour is tested as tables of events.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace shipit::supervise {

using std::chrono::milliseconds;
using TimePoint = std::chrono::steady_clock::time_point;

// Another version of the program is told their numbers (process_memory.cpp): new ones come last.
enum class Phase { stopped, up, crashed, stopping, sweeping };

enum class Event {
    start,         // it is meant to run
    launched,      // the action `launch` succeeded
    launch_failed, // the action `launch` did not
    exited,        // the main process ended
    hung,          // it does not say any more that it is alive
    tree_gone,     // nothing is left of its tree
    due,           // `due` has passed
    stop,          // it is meant not to run
};

enum class Action {
    launch,
    ask_to_end,   // the stop signal, to the main process
    abort,        // SIGABRT, to the main process
    end_rest,     // SIGTERM to what is left of its tree
    kill_escaped, // SIGKILL to what is left and has left the process's session
    kill_tree,    // SIGKILL to the main process and everything below
    tell_crash_loop,
};

struct Limits {
    milliseconds stop_timeout = std::chrono::seconds(30);
    milliseconds first_delay{100};
    milliseconds longest_delay = std::chrono::seconds(30);
    milliseconds proven = std::chrono::minutes(1); // up for so long: the back-off starts afresh
    milliseconds escaped_grace{500};               // for daemons that left the session
    milliseconds kill_again{50};
    unsigned loop_exits = 5; // in a row, without `proven` between two, are a crash loop
};

struct PolicyState {
    Phase phase = Phase::stopped;
    bool wanted = false;
    bool hung = false; // while up: it is being ended for that
    unsigned restarts = 0;
    milliseconds delay{0}; // of the latest restart, without its jitter; 0: none yet
    std::optional<TimePoint> due;
    std::optional<TimePoint> kill_at; // while stopping and sweeping
    TimePoint started{};
    unsigned exits = 0; // in a row, without Limits::proven between two
    bool crash_looping = false;
    std::uint64_t seed = 0; // of the jitter
};

struct PolicyStep {
    PolicyState state;
    std::vector<Action> actions;
};

// Total: every event is answered in every phase; one that means nothing there changes nothing.
[[nodiscard]] PolicyStep next_step(PolicyState state, Event event, TimePoint now,
                                   const Limits& limits = {});

// Whether the process keeps crashing: false again once it has been up for Limits::proven.
[[nodiscard]] bool is_crash_looping(const PolicyState& state, TimePoint now,
                                    const Limits& limits = {});

[[nodiscard]] const char* name_of(Phase phase);

} // namespace shipit::supervise

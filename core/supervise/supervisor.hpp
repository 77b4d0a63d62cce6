// The supervisor of one app: owns its processes for as long as the host is up.
//
// Listens on run_folder/control.sock for requests, one JSON object a line; each is answered by
// events ("event": …) and one last message with "done": true and "ok"; where that is false there is
// a "why". One changing request at a time; another is refused with "busy": true.
//
// clang-format off
//   {"request": …}                answered by
//   ping                          pid; ending; "outdated": its program was replaced on disk
//   status                        pid, release, busy_with, watching, handover, why_restart, cgroups,
//                                 why_no_cgroups, and processes: [{name, type, command, release,
//                                 state (up starting warm hung crashed stopping stopped),
//                                 since, restarts, crash_looping, pid, memory, peak, port,
//                                 last_exit, said}]
//   start, stop, restart          evidence (of a start that failed); "process": a name or a type
//   replace, "generation": {…}    events starting, stopping (in_turn: why), healthy (it has the
//                                 traffic: now move `current` and send commit), failed, restoring,
//                                 committed, watch_passed, watch_failed. Last: ok when the watch
//                                 has passed; else why, evidence, and serving (a release or null)
//                                 with untouched or why_not_serving, where it failed before the
//                                 commit, or watch_failed ("good": whether somebody had said so
//                                 of it before, so that it stays), or watch_ended (by another
//                                 change).
//                                 "go_back": if the watch fails, the generation before gets the
//                                 traffic at once
//                                 "keep": the generation is the live release with more or fewer
//                                 processes; those that need not be replaced go on
//   renew                         ok, by the program that has taken this one's place in the same
//                                 process; else why not, and this one goes on
//   commit, abort                 for the client that asked for the replacement, on the same
//                                 connection
//   shutdown                      ok; then all processes are stopped and the supervisor ends
// clang-format on
//
// It never ends because of an error in what it does. SIGTERM and SIGINT stop the processes and end
// it; if it is killed, its processes go on and the next supervisor takes them over. SIGHUP: renew,
// when it has nothing else to do.
#pragma once

#include "core/supervise/log_file.hpp"
#include "core/supervise/policy.hpp"
#include "core/supervise/program.hpp"
#include "core/supervise/witness.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace shipit::supervise {

// Names in the log folder.
constexpr const char* app_log_name = "app.log";
constexpr const char* supervisor_log_name = "supervisor.log";
// Held for as long as a supervisor lives, in the run folder.
constexpr const char* supervisor_lock_name = "supervisor.lock";

// Who waits for the end of a watch, and knows that it failed: nobody, a command that goes back by
// itself, or one that does not go back. What was good when it failed stays, whoever waits.
enum class Told : std::uint8_t { nobody, who_goes_back, who_stays };

struct SupervisorOptions {
    Path run_folder; // exists, private; for the socket, the pipes, the lock and state.json
    Path log_folder; // exists
    Rotation rotation;
    Limits limits;
    bool cgroups = true; // false: as where there are none; for comparison

    // What `current` says should run; nothing if nothing should. May throw.
    std::function<std::optional<Generation>()> live;

    bool only_ends = false; // what an earlier one has left, and then itself

    // Whether the live release has not been proven yet: its watch begins anew when a supervisor
    // starts (the one before was killed, or the host was). May be empty: never. May throw.
    std::function<bool(ReleaseNumber release)> needs_watch;

    // Until when the live release is on trial; nothing if it is not, or is no longer. May be empty
    // and may throw. `on_trial_over`: it still was when that time came.
    std::function<std::optional<WallTime>(ReleaseNumber release)> trial_end;
    std::function<void(ReleaseNumber release)> on_trial_over;

    // The command line of a supervisor of this app that goes on where this one is: it gives
    // `inherited` to one of its own. Empty: there is no such thing.
    std::function<std::vector<std::string>(int inherited)> successor;
    int inherited = -1; // the descriptor that another gave to us; it is ours from now on

    Witness witness;

    // Each may be empty and may throw.
    std::function<void()> on_ready; // the control socket answers
    std::function<void(ReleaseNumber release)> on_good;
    std::function<void(ReleaseNumber release, const std::string& why, Told told)> on_watch_failed;
    std::function<void(ReleaseNumber release, const std::string& process)> on_crash_loop;
};

// Whether the memory that another supervisor passed is only for us to try whether we can read it
// (then nothing is taken over). Throws Error if we cannot.
[[nodiscard]] bool is_rehearsal(int inherited);

class Supervisor {
  public:
    // Throws Error (locked) if the app has a supervisor already, Error if the folders cannot be
    // used.
    explicit Supervisor(SupervisorOptions options);
    ~Supervisor();
    Supervisor(const Supervisor&) = delete;
    Supervisor& operator=(const Supervisor&) = delete;

    // Takes over or starts what should run, and serves until it is told to end; its processes are
    // stopped then.
    void run();

  private:
    class Core;
    std::unique_ptr<Core> m_core;
};

} // namespace shipit::supervise

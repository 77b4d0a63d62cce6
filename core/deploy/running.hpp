// The processes of an app: its supervisor, what runs, starting, stopping, one-off commands.
#pragma once

#include "core/base/json.hpp"
#include "core/deploy/change.hpp"
#include "core/deploy/environment.hpp"
#include "core/supervise/program.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace shipit::deploy {

// What the supervisor tells of one process.
struct ProcessFacts {
    std::string name; // "web.1"
    std::string type;
    std::string state; // "up", "starting", "hung", "crashed", "stopping", "stopped"
    std::optional<ReleaseNumber> release;
    int pid = 0;
    std::optional<WallTime> since;
    std::uint64_t restarts = 0;
    std::string last_exit;
    std::string said;           // STATUS=, sd_notify(3)
    std::uint64_t resident = 0; // bytes
    std::uint64_t peak = 0;     // the most that it ever had
    std::string command;

    [[nodiscard]] Json json() const;
    // Whether it is of what is to get requests: neither kept warm for a while nor on its way out.
    [[nodiscard]] bool is_wanted() const;
};
// From a supervisor's answer to `status`.
[[nodiscard]] ProcessFacts facts_from(const Json& json);

// Where the live release failed in its watch and the one before got the requests back, but no
// rollback has been recorded: that one.
[[nodiscard]] std::optional<ReleaseNumber> stand_in_for(ReleaseNumber live,
                                                        const std::vector<ProcessFacts>& processes);

// What the environment of `manifest`'s processes is made of on this host.
[[nodiscard]] Surroundings surroundings_of(const App& app, const release::Manifest& manifest,
                                           const config::Settings& settings);

[[nodiscard]] unsigned count_of(const ProcessType& type, const config::Settings& settings);

// The generation of a release: its process types as they run on this host, with the release's
// config vars. `tree` is the release's real folder.
[[nodiscard]] supervise::Generation generation_of(const App& app, const release::Manifest& manifest,
                                                  const sys::Path& tree);
// Of what `current` points at; nothing if there is nothing live, it has no processes, or the app is
// stopped.
[[nodiscard]] std::optional<supervise::Generation> live_generation(const App& app);

// Starts the app's supervisor unless one runs. Returns when it answers. Under the app's lock.
void ensure_supervisor(const App& app);

// Whether processes run without the supervisor that started them: it was killed, and nobody has
// taken its place yet.
[[nodiscard]] bool has_lost_supervisor(const App& app);

// Ends the supervisor and with it all processes, also those that a killed one has left: afterwards
// nothing of the app runs, also if it is killed meanwhile. Nothing is said of whether it is to run
// again. Under the app's lock. Throws Error.
void end_supervisor(const App& app);

// What helps where a supervisor, of that pid, does not answer.
[[nodiscard]] std::string way_out_of_silence(const App& app, int pid);

// Empty if no supervisor runs. Throws SupervisorSilent.
[[nodiscard]] std::vector<ProcessFacts> processes(const App& app);
[[nodiscard]] bool is_supervised(const App& app);
// Where shipit was upgraded since the supervisor's start, it becomes the new one, keeping all that
// it has; where that cannot be now, or fails, it goes on as it is. Waits for the end of one that is
// ending. Gives whether there is one.
bool renew_supervisor(const App& app);

// Starts the live release's processes; what runs already goes on. This, stop() and the restart of
// one process throw Interrupted for ^C while the supervisor is at it: it goes on, and is recorded.
void start(App& app, std::chrono::milliseconds patience);
// What a host's start and an upgrade of shipit take: unless the app was stopped or has nothing that
// runs, there is a supervisor afterwards, which is of today's shipit and starts the processes; it
// is not waited for their health. Gives whether there is one.
bool bring_up(App& app, std::chrono::milliseconds patience);
// The reverse: nothing of the app runs afterwards, until bring_up, start, restart or deploy.
void take_down(App& app, std::chrono::milliseconds patience);
// Stops all processes; they stay stopped, over reboots too, until start, restart or deploy.
void stop(App& app, std::chrono::milliseconds patience);
// All processes by the path of every change, or one process ("web.1") or type ("web") by itself.
[[nodiscard]] Changed restart(App& app, const std::string& process, const ChangeOptions& options);

// A program in a release's tree beside the supervised ones; `process` is its SHIPIT_PROCESS.
[[nodiscard]] supervise::Program one_off_program(const App& app, const release::Manifest& manifest,
                                                 const sys::Path& tree, const std::string& process,
                                                 const std::string& command);

// Runs a command in a release's tree with its environment (the live one's unless `release` is
// given), on our own terminal. Gives its exit status, 128 + n for signal n.
[[nodiscard]] int run_one_off(App& app, std::optional<ReleaseNumber> release,
                              const std::vector<std::string>& words);

// The body of `shipit supervise`: owns the processes until it is told to stop. `inherited`: goes on
// where the program was that had this process before, and left its memory in that descriptor.
void supervise_app(App& app, std::optional<int> inherited = {});
// The body of `shipit supervise --end`: ends what a killed supervisor has left, and starts nothing.
void end_left_processes(const App& app);

} // namespace shipit::deploy

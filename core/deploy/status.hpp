// One look at an app: is it up, which release, since when, healthy, who deployed it, what does it
// use, what happened lately.
#pragma once

#include "core/base/error.hpp"
#include "core/deploy/running.hpp"
#include "core/deploy/timeline.hpp"
#include "core/sys/process.hpp"

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace shipit::deploy {

struct ProcessStatus {
    ProcessFacts facts;
    std::optional<sys::Usage> usage; // of the process and what it has started
    double processors = 0;           // since the look before, else since its start

    [[nodiscard]] Json json() const;
};

// One word or two for the whole app.
enum class AppState {
    up,
    partly_up,
    down,
    stopped,
    scaled_to_none,
    files_only,
    not_supervised, // its processes may well serve
    supervisor_hangs,
    nothing_deployed,
    damaged,
    another_users,
};
[[nodiscard]] const char* name_of(AppState state); // "partly up"

struct AppStatus {
    WallTime at = {};
    std::optional<ReleaseNumber> current;
    std::optional<release::Manifest> manifest; // of `current`
    std::optional<release::Manifest> stored;   // since then, and not live yet: the newest
    bool has_processes = false;                // the live release
    std::vector<ProcessStatus> processes;
    bool is_supervised = false;
    bool is_silent = false;                // there is a supervisor, and it does not answer
    std::vector<pid_t> left;               // processes that go on without a supervisor
    std::optional<ReleaseNumber> stand_in; // serves for `current`, which failed (stand_in_for())
    std::optional<sys::LockHolder> holder;
    std::vector<Moment> lately; // the newest first
    AppState state = AppState::nothing_deployed;
    std::optional<Error> complaint; // what cannot be read; the rest is told all the same
};

// Of an app that is not ours to look into, what everybody sees. `before` is an earlier look, for
// what was used since.
[[nodiscard]] AppStatus status_of(const App& app, const AppStatus* before = nullptr);
// Its state and what makes that; not what its processes use, who holds its lock, what is stored and
// what happened lately.
[[nodiscard]] AppStatus glance_at(const App& app);

// --- Without a supervisor ---

// One that was killed leaves processes that serve without it until another is started, which takes
// them over.

void add_with_descendants(pid_t pid, std::vector<pid_t>& all);
// Of an app without a supervisor, as far as its folder may be looked into; with descendants.
[[nodiscard]] std::vector<pid_t> left_processes_of(const App& app);
// "there is no supervisor any more: processes of an earlier one go on (12, 13), and …"
[[nodiscard]] std::string told_of_left(const App& app, const std::vector<pid_t>& left);
// The command that mends it.
[[nodiscard]] std::string way_to_end_lack(const App& app);

// --- In another release's place ---

// "v2, which is live, failed …: v1 gets the requests for now"
[[nodiscard]] std::string told_of_stand_in(ReleaseNumber live, ReleaseNumber stand_in);

// Its facts in the order in which they are told.
[[nodiscard]] Json json_of(const App& app, const AppStatus& status);

} // namespace shipit::deploy

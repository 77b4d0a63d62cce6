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

struct AppStatus {
    WallTime at = {};
    std::optional<ReleaseNumber> current;
    std::optional<release::Manifest> manifest; // of `current`
    std::optional<release::Manifest> stored;   // since then, and not live yet: the newest
    bool has_processes = false;                // the live release
    std::vector<ProcessStatus> processes;
    bool is_supervised = false;
    bool is_silent = false;  // there is a supervisor, and it does not answer
    std::vector<pid_t> left; // processes that go on without a supervisor
    std::optional<sys::LockHolder> holder;
    std::vector<Moment> lately;     // the newest first
    const char* state = "";         // one word or two for the whole app
    std::optional<Error> complaint; // what cannot be read; the rest is told all the same
};

// Of an app that is not ours to look into, what everybody sees. `before` is an earlier look, for
// what was used since.
[[nodiscard]] AppStatus status_of(const App& app, const AppStatus* before = nullptr);

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

// Its facts in the order in which they are told.
[[nodiscard]] Json json_of(const App& app, const AppStatus& status);

} // namespace shipit::deploy

// One look at an app: is it up, which release, since when, healthy, who deployed it, what does it
// use, what happened lately.
#pragma once

#include "core/base/error.hpp"
#include "core/deploy/running.hpp"
#include "core/deploy/timeline.hpp"
#include "core/sys/process.hpp"

#include <optional>
#include <vector>

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
    std::optional<sys::LockHolder> holder;
    std::vector<Moment> lately;     // the newest first
    const char* state = "";         // one word or two for the whole app
    std::optional<Error> complaint; // what cannot be read; the rest is told all the same
};

// Of an app that is not ours to look into, what everybody sees. `before` is an earlier look, for
// what was used since.
[[nodiscard]] AppStatus status_of(const App& app, const AppStatus* before = nullptr);

// Its facts in the order in which they are told.
[[nodiscard]] Json json_of(const App& app, const AppStatus& status);

} // namespace shipit::deploy

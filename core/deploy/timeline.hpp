// What happened to an app lately: what events.jsonl tells of releases and processes, together with
// the ends of processes that the supervisor has witnessed (release/conduct).
#pragma once

#include "core/base/json.hpp"
#include "core/deploy/app.hpp"

#include <optional>
#include <string>
#include <vector>

namespace shipit::deploy {

struct Moment {
    WallTime at;
    std::string what; // an event's name; "crash" for a process that nobody had asked to end
    std::optional<ReleaseNumber> release;
    std::string user;
    std::string detail; // foreign text
    bool is_bad = false;
    unsigned times = 1; // one process that ended again and again is told of once

    [[nodiscard]] Json json() const;
};

// The newest first, by the order in which they were recorded rather than by a clock that may have
// been set; `live` is what is live, if that is known. Never throws for what is damaged: that is
// passed over.
[[nodiscard]] std::vector<Moment>
latest_moments(const App& app, const std::optional<ReleaseNumber>& live, std::size_t limit);

} // namespace shipit::deploy

// A rollback rehearsed: everything that it would need is looked at, and nothing that is live is
// touched.
#pragma once

#include "core/deploy/rollback.hpp"

#include <chrono>

namespace shipit::deploy {

struct Rehearsal {
    struct Finding {
        bool is_well = true;
        std::string what; // "slug 20d738f9f8 is whole"
    };
    ReleaseNumber target;
    std::vector<std::string> skipped;
    std::vector<Finding> findings;
    Outcome outcome = Outcome::done; // of the first that is not well
    // From the lock to the switch, without a release command; nothing if it could not be told.
    std::optional<std::chrono::milliseconds> estimate;

    [[nodiscard]] bool is_ready() const { return outcome == Outcome::done; }
};

// Reads the whole slug, and unpacks it if its tree is not there; that one stays, so that the
// rollback itself is faster. One that is there is only looked at. Takes the app's lock. Throws
// Error if there is nothing to go back to.
[[nodiscard]] Rehearsal rehearse_rollback(App& app, const RollbackRequest& request);

} // namespace shipit::deploy

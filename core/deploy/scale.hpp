// How many processes of each type run: this host's to say, through releases and rollbacks.
#pragma once

#include "core/deploy/change.hpp"

#include <string>
#include <vector>

namespace shipit::deploy {

struct TypeCount {
    std::string type;
    unsigned count = 0; // meant to run
    unsigned up = 0;
};

// Of the live release, in its order. Throws Error if nothing is live.
[[nodiscard]] std::vector<TypeCount> counts(const App& app);

// Writes "web=4" and the like to app.toml, and starts or stops what that takes, by the path of
// every change. Where a type that listens changes, its processes are all replaced beside the old
// ones, so that none gets a request before it is healthy and none is lost; the others go on.
// Returns at the switch; a release that is still being watched is watched anew.
//
// Changed::release is nothing if the counts were so before, or the app is stopped. Throws Error:
// usage for a word that will not do, a type that the live release does not have; release_failed if
// the new processes are not healthy, and then all is as before, app.toml too.
Changed scale(App& app, const std::vector<std::string>& words,
              std::chrono::milliseconds lock_patience);

} // namespace shipit::deploy

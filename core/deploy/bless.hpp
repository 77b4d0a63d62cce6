// Trials, and the word that ends them: a release that a person says is good.
#pragma once

#include "core/deploy/app.hpp"

#include <chrono>
#include <optional>

namespace shipit::deploy {

// Until when a release is on trial; nothing if it is not, has been blessed, or is live no more.
[[nodiscard]] std::optional<WallTime> trial_end(const App& app, ReleaseNumber release);

// Marks a release, the live one if none is named, as good, durably: a trial of it is over, it is
// bad no longer and its slug not held. Under the app's lock, which it takes. Throws Error for one
// that never was live. Gives which one it was.
ReleaseNumber bless(const App& app, std::optional<ReleaseNumber> release,
                    std::chrono::milliseconds lock_patience);

} // namespace shipit::deploy

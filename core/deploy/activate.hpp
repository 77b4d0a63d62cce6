// Activate: the slug of a release that is recorded goes live as the next release. A step forward,
// as if it had been deployed now: with the config vars and settings of today, and nothing is said
// of what it takes the place of.
#pragma once

#include "core/deploy/change.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace shipit::deploy {

struct ActivateRequest {
    ReleaseNumber release;
    std::string message = {}; // instead of the release's description
    // Also what is held or marked bad, and across a barrier (barrier.hpp).
    bool force = false;
    // Goes back by itself unless it is blessed so soon after it went live.
    std::optional<std::chrono::milliseconds> trial = {};
    ChangeOptions options = {};
};

struct Activated {
    Changed changed;
    std::string description = {};
    // Where nothing was to be changed: the release that is live with it.
    std::optional<ReleaseNumber> live_already = {};
};

// The release itself stays as it is recorded: if this fails, it can be tried again. Throws Error if
// it cannot be taken live, saying why; (held) where only `force` goes; see Changed for the outcomes
// of the change itself.
[[nodiscard]] Activated activate(App& app, const ActivateRequest& request);

} // namespace shipit::deploy

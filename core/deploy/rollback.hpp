// Rollback: an earlier release's slug, config vars, process types and health become a new release.
#pragma once

#include "core/deploy/change.hpp"
#include "core/release/choice.hpp"

#include <optional>
#include <string>
#include <vector>

namespace shipit::deploy {

using release::Restores;

// Where `shipit rollback --automatic` finds the reason: it may hold what the app answered.
inline constexpr const char* automatic_why = "SHIPIT_AUTOMATIC_WHY";

struct RollbackRequest {
    std::optional<ReleaseNumber> to; // nothing: the newest good release before the live one
    Restores restores = Restores::all;
    bool undo = false;   // to what was live before the newest rollback
    std::string message; // why, for the record
    bool force = false;  // also across a barrier (barrier.hpp), and while the app is held
    // The supervisor asks, because the live release failed within its watch window.
    bool automatic = false;
    std::string reason; // of an automatic one, for the record
    // The release that failed: if another one is live by now, or the app is stopped, there is
    // nothing to go back from.
    std::optional<ReleaseNumber> failed;
    bool unless_good = false; // nor if that one has been blessed by now
    // Each of the thousands that may be passed over is told with its reason, not the newest alone.
    bool tells_all = false;
    ChangeOptions options;
};

struct RolledBack {
    Changed changed;
    ReleaseNumber target;
    std::vector<std::string> skipped; // "v3 is marked bad", in words for people
};

// Marks what it left as bad and holds its slug, so that the same bytes are not deployed again by a
// cron job; an undo takes the marks back instead. Throws Error if there is nothing to go back to,
// saying why each release will not do, and (held) where only `force` goes; an automatic one,
// (down).
[[nodiscard]] RolledBack rollback(App& app, const RollbackRequest& request);

} // namespace shipit::deploy

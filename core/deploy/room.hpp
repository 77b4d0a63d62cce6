// Whether a build fits on the disk, asked before anything of it is written there.
#pragma once

#include "core/deploy/app.hpp"
#include "core/release/prune.hpp"
#include "core/slug/pack.hpp"

#include <optional>

namespace shipit::deploy {

// What retention lets go today; what runs is spared, whatever the ledger says is live. Under the
// app's lock.
[[nodiscard]] release::PrunePlan plan_prune(const App& app, const Retention& retention);
release::PruneResult prune(const App& app, const release::PrunePlan& plan);

// For a build of `size` that is about to be packed, whose slug will be about as much smaller as
// `like` is: if it might not fit, prunes as this host's [retention] says. Throws Error if it
// cannot fit, as far as that can be told before.
void make_room(const App& app, const slug::BuildSize& size,
               const std::optional<release::SlugFacts>& like);

} // namespace shipit::deploy

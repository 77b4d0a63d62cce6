// Whether a build fits on the disk, asked before anything of it is written there.
#pragma once

#include "core/deploy/app.hpp"
#include "core/release/prune.hpp"
#include "core/slug/pack.hpp"

#include <optional>

namespace shipit::deploy {

// How much of the past is kept: what the live release's build says under this host's settings. This
// host's alone where nothing is live, or the live one's files are gone or damaged. Throws Error
// (usage) for settings that are none.
[[nodiscard]] Retention retention_of(const App& app);

// What retention lets go today; what runs is spared, whatever the ledger says is live. Under the
// app's lock.
[[nodiscard]] release::PrunePlan plan_prune(const App& app, const Retention& retention);
release::PruneResult prune(const App& app, const release::PrunePlan& plan);

// For a build of `size` that is about to be packed, whose slug will be about as much smaller as
// `like` is: if it might not fit, prunes as retention_of() says. Throws Error if it
// cannot fit, as far as that can be told before.
void make_room(const App& app, const slug::BuildSize& size,
               const std::optional<release::SlugFacts>& like);

} // namespace shipit::deploy

// Barriers: releases that did something to the app's data that cannot be undone
// (release.irreversible, or a release command that exits 10). What is from before one has never run
// on the data as they are now, so that somebody has to decide: going back across one takes --force,
// and nothing goes back across one by itself.
#pragma once

#include "core/deploy/app.hpp"

#include <string>

namespace shipit::deploy {

// Durable before it returns, so that it is there before the data are changed.
void set_barrier(const App& app, ReleaseNumber release, const std::string& why);

// `failed` was never live, but has changed the data, and what is live goes on with them: it is on
// this side of the barrier now. Of a release that is no barrier, does nothing.
void move_barrier(const App& app, ReleaseNumber failed, ReleaseNumber live);

// "v2 is from before v3, which cannot be undone: its release command exited with 10"; empty if
// there is no barrier between `target` and today.
[[nodiscard]] std::string barrier_before(const App& app, ReleaseNumber target);

} // namespace shipit::deploy

// What speaks for a release and against it, as far as its processes tell: the supervisor is the
// witness, releases/vN.evidence (release/conduct.hpp) is where it is written down.
#pragma once

#include "core/deploy/app.hpp"
#include "core/release/conduct.hpp"
#include "core/supervise/witness.hpp"

namespace shipit::deploy {

// Writes down what it is told. Never throws: evidence that cannot be written is lost.
[[nodiscard]] supervise::Witness witness_for(const App& app);

// Of the live release, with what its processes have used until now.
[[nodiscard]] release::Conduct conduct_of(const App& app, ReleaseNumber release);

// What is known now goes into the manifest: how often its processes ended, how the last of them
// did, since when it is good.
void conclude(const App& app, release::Manifest& manifest);

} // namespace shipit::deploy

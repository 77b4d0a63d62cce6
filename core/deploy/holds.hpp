// Holds: what is refused, with exit status 6, until somebody clears it. See release/marks.hpp.
#pragma once

#include "core/deploy/app.hpp"

namespace shipit::deploy {

// Throws Error (held) that names who, when and why, if the whole app is held.
void refuse_if_held(const App& app);
// The same of a slug: nobody is to deploy these files again.
void refuse_if_held(const App& app, const SlugId& slug);

} // namespace shipit::deploy

// Holds: what is refused, with exit status 6, until somebody clears it. See release/marks.hpp.
#pragma once

#include "core/deploy/app.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace shipit::deploy {

// Whether whoever asks may override what people have decided: who comes by a deploy key may not.
[[nodiscard]] bool may_force();
// The advice about a build that is held, for those who may not.
[[nodiscard]] std::string how_to_clear_holds(const App& app);

// Throws Error (held) that names who, when and why, if the whole app is held.
void refuse_if_held(const App& app);
// The same of a slug: nobody is to deploy these files again. With this advice.
void refuse_if_held(const App& app, const SlugId& slug, const std::string& next);

// The same as warnings, for what only stores such files.
void warn_of_holds(const App& app, const SlugId& slug);

// Of the whole app, unless a slug is named. Takes the app's lock; durable on return.
void hold(const App& app, const std::optional<SlugId>& slug, const std::string& why,
          std::chrono::milliseconds lock_patience);
// What was held until now: the app, or slugs.
struct ClearedHolds {
    bool app = false; // the whole of it
    std::vector<SlugId> slugs;
};
// Gives which holds have ended: a slug's where one is named; else the app's own; where there is
// none, those of all slugs.
ClearedHolds clear_holds(const App& app, const std::optional<SlugId>& slug,
                         std::chrono::milliseconds lock_patience);

} // namespace shipit::deploy

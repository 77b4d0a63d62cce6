// A step forward: a slug becomes a release with the config vars and settings of today. The same for
// a deploy, which has just packed it, and for `activate`, which takes what is stored.
#pragma once

#include "core/deploy/change.hpp"
#include "core/release/source.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace shipit::deploy {

struct Step {
    release::SlugFacts slug;
    config::Settings settings; // checked_settings() of what is in it
    ConfigVars vars;           // of today
    std::string description = {};
    std::optional<release::Source> source = {};
    // Goes back by itself unless it is blessed so soon after it went live.
    std::optional<std::chrono::milliseconds> trial = {};
};

// What to say of a health.path that nobody is asked for: the port is expected of processes of type
// web alone. Nothing where it is asked, or there is none.
[[nodiscard]] std::optional<std::string> why_path_is_not_asked(const ReleaseSpec& spec);

// The settings of a build with these texts, for a release with these config vars. Throws Error for
// what is wrong with them, for a user that does not exist, and for config vars that are missing.
[[nodiscard]] config::Settings checked_settings(const App& app,
                                                std::optional<std::string> build_toml,
                                                std::optional<std::string> procfile,
                                                const ConfigVars& vars);

// Throws Error (held) if the build has no process types and the live release, unless it is stopped,
// has: most often the folder is the wrong one. `way` is how to go on all the same.
void refuse_to_end_processes(const App& app, const config::Settings& settings,
                             const std::string& way);
// That way, for who comes where nothing can be forced.
[[nodiscard]] std::string stop_first(const App& app);

// Throws Error if a trial of such a release could not come to its end: nothing is live, nobody
// supervises it, or its build says that there is no way back.
void refuse_trial_without_way_back(const App& app, const config::Settings& settings);

// Chooses a port if the app needs one and has none yet. Throws Error for a trial that could not
// come to its end, and has chosen none then.
[[nodiscard]] Plan forward_plan(const App& app, const Step& step);

// The same files with the same config vars and settings are live, and nobody says that they are
// bad. Counts of processes do not count.
[[nodiscard]] bool is_live_already(const App& app, const release::Manifest& manifest);

// What is live already need not run: the host may have been booted since, the supervisor killed.
void see_that_it_runs(const App& app);

// Both would run the same files with the same config vars and settings.
[[nodiscard]] bool is_equal_release(const release::Manifest& one, const release::Manifest& other);

} // namespace shipit::deploy

// What the commands about config vars have in common.
#pragma once

#include "cmd/changes.hpp"
#include "core/config/dotenv.hpp"
#include "core/deploy/config_change.hpp"

namespace shipit::cmd {

inline constexpr Option no_restart_option{"--no-restart", "",
                                          "stage the change; the next release takes it up"};
inline constexpr Option of_release_option{"--release", "vN", "those that a release has"};

// Today's, or those of the release that --release names.
[[nodiscard]] ConfigVars config_vars_meant(const Invocation& invocation, const deploy::App& app);

// With values.
[[nodiscard]] Json json_of(const ConfigVars& vars);

// Warns of values that were taken as they stand, where other readers put something in.
void tell_uninterpolated(const Invocation& invocation, const std::string& file,
                         const config::Dotenv& read);

// From --no-restart, --wait and --no-wait.
[[nodiscard]] deploy::ConfigRequest config_request(const Invocation& invocation);

// Tells what became of a change: the names, never a value. Gives the exit status.
[[nodiscard]] int tell_config_change(const Invocation& invocation, const deploy::App& app,
                                     const deploy::ConfigChanged& done);

} // namespace shipit::cmd

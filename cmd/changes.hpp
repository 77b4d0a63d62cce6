// What the commands that make releases have in common: options, and how the end is told.
#pragma once

#include "cmd/invocation.hpp"
#include "core/deploy/change.hpp"
#include "core/deploy/deploy.hpp"
#include "core/push/messages.hpp"

#include <functional>
#include <string>
#include <vector>

namespace shipit::cmd {

inline constexpr Option wait_option{"--wait", "[TIME]",
                                    "wait for another command instead of failing (exit 5)"};
inline constexpr Option no_wait_option{"--no-wait", "",
                                       "return at the switch, not when the release is good"};

inline constexpr Option no_activate_option{"--no-activate", "",
                                           "store and record it; 'shipit activate' takes it live"};
// Throws Error (usage) beside what is about a release that goes live.
[[nodiscard]] bool asked_not_to_activate(const Invocation& invocation);

inline constexpr Option trial_option{"--trial", "TIME",
                                     "go back by itself unless 'shipit bless' comes in time"};
// From --trial.
[[nodiscard]] std::optional<std::chrono::milliseconds> asked_trial(const Invocation& invocation);

// From --wait and --no-wait.
[[nodiscard]] deploy::ChangeOptions change_options(const Invocation& invocation);

// The members that every change's JSON has: release, previous, good, took_ms, changed.
[[nodiscard]] Json json_of(const deploy::Changed& changed);

using push::Saying;
void say(Terminal& terminal, const std::vector<Saying>& sayings);

// "v4 is live" and, unless --no-wait, "and good"; with the command that is the way back.
[[nodiscard]] std::vector<Saying> end_of(const deploy::App& app, const deploy::Changed& changed);
void tell_end(const Invocation& invocation, const deploy::App& app, const deploy::Changed& changed);

// "on trial until …", if it is.
void tell_trial(const Invocation& invocation, const deploy::App& app, ReleaseNumber release);

// deploy::trial_end for the end of a command: what cannot be read then makes no failure of it.
[[nodiscard]] std::optional<WallTime> trial_end_if_known(const deploy::App& app,
                                                         ReleaseNumber release) noexcept;

// How a change ended, with the app, and with `trial_ends` if its release is on trial.
[[nodiscard]] Json json_of(const deploy::App& app, const deploy::Changed& changed);

// How a deploy ended: as JSON, and in words.
[[nodiscard]] Json json_of(const deploy::App& app, const deploy::Deployed& deployed);
[[nodiscard]] std::vector<Saying> end_of(const deploy::App& app, const deploy::Deployed& deployed);

// Whether --all was given. Throws Error (usage) where one app, or a release of one, is named as
// well: then it could be meant as all of that. What is not typed (SHIPIT_APP, the folder) is not
// counted.
[[nodiscard]] bool asked_for_every_app(const Invocation& invocation);

// --all: each app of the host, whatever becomes of the others. One that throws is a warning,
// "'blog' was not pruned: …" for the predicate "was not pruned". Gives the first failure's outcome.
[[nodiscard]] Outcome in_every_app(const Invocation& invocation, std::string_view predicate,
                                   const std::function<Outcome(deploy::App)>& act);

} // namespace shipit::cmd

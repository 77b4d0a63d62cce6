// What a change still has to do once its release is live: today's config vars become the release's,
// what a rollback left is marked bad and held, and what is files only is good. The manifest says so
// before the switch (release::Deployer), so that if the command is killed in between, the next one
// does it.
#pragma once

#include "core/deploy/app.hpp"
#include "core/release/manifest.hpp"

#include <chrono>
#include <string>

namespace shipit::deploy {

// Does what `manifest`, whose release is live, has to be followed by, and records that it is done.
// `why`: what the mark on the release that was left says; empty: that it was rolled back from.
// Under the app's lock.
void finish_switch(const App& app, release::Manifest& manifest, const std::string& why);

// Whether all folders are read for leftovers, or not where the app is said to be in order
// (release/order_note.hpp).
enum class Look { where_needed, everywhere };

// First thing under the lock: what commands that died have left is removed or finished.
void tidy(const App& app, AppLock& lock, Look look = Look::where_needed);

// The lock of a command that changes something, and tidy(), which nobody can forget then.
[[nodiscard]] AppLock lock_and_tidy(const App& app, const std::string& what,
                                    std::chrono::milliseconds patience,
                                    Look look = Look::where_needed);

// Before a command without patience reads what may come slowly: throws Error (locked) if somebody
// has the lock now.
void refuse_if_locked(const App& app, const std::string& what, std::chrono::milliseconds patience);

} // namespace shipit::deploy

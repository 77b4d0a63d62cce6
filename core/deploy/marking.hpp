// What people say of releases: bad ones, and those to be kept (for good ones: bless.hpp). Each
// takes the app's lock and is durable when it returns.
#pragma once

#include "core/deploy/app.hpp"

#include <chrono>
#include <string>

namespace shipit::deploy {

// `rollback` never chooses it, and its build is held, unless that is live under another number.
void mark_bad(const App& app, ReleaseNumber release, const std::string& why,
              std::chrono::milliseconds lock_patience);

// It is never pruned; `name` is another name for it. Without one it keeps that of an earlier pin.
// Gives the name that it has now, which may be empty. Throws Error if its slug is gone, (usage) for
// what is no name for a pin, or another release's.
std::string pin(const App& app, ReleaseNumber release, std::string name,
                std::chrono::milliseconds lock_patience);
// Throws Error if it is not pinned.
void unpin(const App& app, ReleaseNumber release, std::chrono::milliseconds lock_patience);

} // namespace shipit::deploy

// The supervisor as a service of systemd(1), where that runs: the unit shipit@APP.service.
#pragma once

#include "core/deploy/app.hpp"

namespace shipit::deploy {

// Starts the app's supervisor as a service, and returns when it answers. False, and nothing is
// done, where that cannot be: systemd does not run, it has no such unit, the root is not the one
// that the unit is for, or the user's services would end when they log out. Throws Error if it does
// not start.
[[nodiscard]] bool start_as_service(const App& app);

} // namespace shipit::deploy

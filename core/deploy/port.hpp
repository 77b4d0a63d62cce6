// The port of an app whose settings name none: chosen once, kept in app.toml.
#pragma once

#include "core/deploy/app.hpp"

#include <cstdint>
#include <map>

namespace shipit::deploy {

// The ports that other apps under this root have in their settings, as far as we may read these,
// and whose they are.
[[nodiscard]] std::map<std::uint16_t, AppName> ports_of_others(const App& app);

// The lowest port from 8000 that no other app under this root has and nobody listens on; written
// to app.toml, so that it stays. Under the app's lock. Throws Error if there is none below 9000.
std::uint16_t choose_port(const App& app);

} // namespace shipit::deploy

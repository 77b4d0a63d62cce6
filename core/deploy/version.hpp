#pragma once

namespace shipit::deploy {

// "0.1.0", of this build.
[[nodiscard]] const char* version();

} // namespace shipit::deploy

// What names may look like that several rooms read: config from settings, release from manifests.
#pragma once

#include <string_view>

namespace shipit {

// Of a process type: 1 to 63 of A-Z, a-z, 0-9, '-' and '_' (dokku's rule).
[[nodiscard]] bool is_process_name(std::string_view name);

// Of a config var: A-Z, a-z, 0-9 and '_', not beginning with a digit, at most 255 characters.
[[nodiscard]] bool is_variable_name(std::string_view name);

// Signals that a process may be stopped by, without "SIG".
[[nodiscard]] bool is_stop_signal(std::string_view name);

} // namespace shipit

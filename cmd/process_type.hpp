// A process type as `info` and `diff` tell it.
#pragma once

#include "core/base/json.hpp"
#include "core/base/spec.hpp"

#include <string>

namespace shipit::cmd {

// "python3 worker.py (2, notify, watchdog 30s)": the command, how many, and what is not as it is
// without settings.
[[nodiscard]] std::string process_text(const ProcessType& type);
[[nodiscard]] Json json_of(const ProcessType& type);

} // namespace shipit::cmd

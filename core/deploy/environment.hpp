// The environment of a release's processes: an allow-list of our own, the config vars, and what
// shipit tells. Nothing is inherited from whoever deployed; a command on a terminal is told which.
#pragma once

#include "core/base/ids.hpp"
#include "core/base/spec.hpp"
#include "core/sys/account.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace shipit::deploy {

struct Surroundings {
    AppName app;
    ReleaseNumber release;
    SlugId slug;
    sys::Account account; // whom the process runs as
    std::optional<std::uint16_t> port;
};

// Config vars win over the allow-list (a release may set its own PATH); PORT and SHIPIT_* win over
// config vars. `process` is "web.1", "run", "release".
[[nodiscard]] std::vector<std::pair<std::string, std::string>>
environment_of(const Surroundings& surroundings, const ConfigVars& config,
               const std::string& process);

// Of what runs before there is a release: the allow-list, the config vars, SHIPIT_APP and
// SHIPIT_PROCESS.
[[nodiscard]] std::vector<std::pair<std::string, std::string>>
environment_without_release(const AppName& app, const sys::Account& account,
                            const ConfigVars& config, const std::string& process);

// For a command on the caller's terminal: TERM and COLORTERM as the caller has them, if they can be
// names of terminals and no config var says otherwise.
[[nodiscard]] std::vector<std::pair<std::string, std::string>>
terminal_variables(const ConfigVars& config);

} // namespace shipit::deploy

// Config vars: a change of them is a release.
#pragma once

#include "core/deploy/change.hpp"

#include <string>
#include <vector>

namespace shipit::deploy {

struct ConfigRequest {
    ConfigVars set;
    std::vector<std::string> unset;
    bool restart = true; // false: staged, the next release takes it up
    ChangeOptions options;
};

struct ConfigChanged {
    bool is_staged = false;         // recorded in config.toml only: --no-restart, or no release yet
    std::vector<std::string> names; // whose values are others now
    Changed changed;
};

// Throws Error (usage) for names and values that cannot be, and for unset names that are not set.
[[nodiscard]] ConfigChanged change_config(App& app, const ConfigRequest& request);

} // namespace shipit::deploy

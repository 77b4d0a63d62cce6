// Config vars: a change of them is a release.
#pragma once

#include "core/deploy/change.hpp"
#include "core/deploy/compare.hpp"

#include <string>
#include <vector>

namespace shipit::deploy {

struct ConfigRequest {
    ConfigVars set;
    std::vector<std::string> unset;
    // What the config vars were when the request was thought of; refused where they are others now.
    std::optional<ConfigVars> expected;
    bool restart = true; // false: staged, the next release takes it up
    ChangeOptions options;
};

struct ConfigChanged {
    bool is_staged = false;         // recorded in config.toml only: --no-restart, or no release yet
    std::vector<VarChange> changes; // by name; what is other than it was before

    [[nodiscard]] std::vector<std::string> names() const;
    Changed changed;
};

// Throws Error (usage) for names and values that cannot be, and for unset names that are not set.
//
// Names that the live release's [config] required lists are not unset: the code that goes on
// running needs them. To stage it is allowed, with a warning: the next deploy may bring code that
// does not.
[[nodiscard]] ConfigChanged change_config(App& app, const ConfigRequest& request);

} // namespace shipit::deploy

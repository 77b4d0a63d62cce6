// app.toml: this host's settings for an app, written by `shipit set`, `scale` and by hand.
//
// Same keys as shipit.toml, so that one page describes both. How many processes of a type run here
// is `processes.web.count`.
#pragma once

#include "core/sys/file.hpp"

#include <optional>
#include <string>
#include <vector>

namespace shipit::config {

struct HostChange {
    std::string key;
    std::optional<std::string> before; // as a person would type it
    std::optional<std::string> after;  // nothing: the key was removed
};

// Applies assignments like "app.port=8000", "app.shared=media,var/log" (a list's commas separate)
// and "health.path=" (an empty value removes the key), all or none of them. The file is rewritten
// durably, mode 0600, unless nothing changes; values that are there stay, comments do not. Its
// folder must exist.
//
// Gives what changed. Throws Error (usage) for a key that does not exist (with the one that was
// probably meant), a value that its key cannot have, or an app.toml that is wrong already.
std::vector<HostChange> set_keys(const sys::Path& app_toml,
                                 const std::vector<std::string>& assignments);

// All that app.toml says, sorted by key, as (key, value as a person would type it).
[[nodiscard]] std::vector<std::pair<std::string, std::string>>
host_values(const sys::Path& app_toml);

} // namespace shipit::config

// The shipit.toml that `shipit init` writes: what a survey of the source tree has found, with
// comments, and what else might be wanted as comments.
#pragma once

#include "core/base/ids.hpp"
#include "core/deploy/survey.hpp"
#include "core/sys/file.hpp"

#include <optional>
#include <string>

namespace shipit::deploy {

struct FirstSettings {
    std::optional<AppName> app; // nothing: neither the tree nor its folder has a name for one
    Survey survey;
    std::string build_command; // empty: the tree is a build as it is
    std::string text;          // of shipit.toml
};

// Looks at `folder`, writes nothing. `app`: its name, whatever the tree calls itself. What it gives
// is read by config::load without complaint, and so it is with every line in it that is commented
// out. Throws Error: no folder, or a Procfile that is wrong.
[[nodiscard]] FirstSettings first_settings(const sys::Path& folder,
                                           const std::optional<AppName>& app);

// The file in `folder`, as an absolute path.
[[nodiscard]] sys::Path settings_file_in(const sys::Path& folder);
// Throws Error if there is anything by its name.
void refuse_to_overwrite(const sys::Path& settings_file);

} // namespace shipit::deploy

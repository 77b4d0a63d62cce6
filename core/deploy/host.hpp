// Where a use case runs and for whom: the root that holds the apps, who asks, where progress goes.
#pragma once

#include "core/base/ids.hpp"
#include "core/base/progress.hpp"
#include "core/sys/account.hpp"
#include "core/sys/file.hpp"

#include <optional>
#include <string>
#include <vector>

namespace shipit::deploy {

struct Host {
    sys::Path root; // absolute
    sys::Origin origin;
    Progress progress;

    // `given`, else SHIPIT_ROOT, else the default of DESIGN's section "On disk" (shipit(1), FILES).
    // A relative path counts from the working folder.
    [[nodiscard]] static Host at(const std::optional<std::string>& given, Progress progress);
};

// The apps under the root, by name. Empty if there is no root yet.
[[nodiscard]] std::vector<AppName> app_names(const Host& host);

// The app that is meant: `named`, else SHIPIT_APP, else `name` in `folder`/shipit.toml, else the
// only app there is. Throws Error (usage) that lists what there is.
[[nodiscard]] AppName chosen_app(const Host& host, const std::optional<std::string>& named,
                                 const sys::Path& folder);

} // namespace shipit::deploy

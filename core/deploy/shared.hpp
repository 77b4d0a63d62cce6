// Data that outlives releases: folders of APP/shared, linked into a tree.
#pragma once

#include "core/sys/account.hpp"
#include "core/sys/file.hpp"

#include <optional>
#include <string>
#include <vector>

namespace shipit::deploy {

// For each of `paths` (relative, clean): makes `shared`/path a folder, owned by `owner` where one
// is given (the app writes there), and puts a relative symlink to it in `tree` in the place of
// whatever the slug had by that name. Done again it changes nothing.
//
// `shared` belongs to the app: no symlink in it is followed. Throws Error naming the path.
void link_shared(const sys::Path& tree, const sys::Path& shared,
                 const std::vector<std::string>& paths, const std::optional<sys::Account>& owner);

// Whether the symlink at `path` in a tree, which leads to `target`, is one that link_shared made.
[[nodiscard]] bool is_shared_link(const std::string& path, const std::string& target);

} // namespace shipit::deploy

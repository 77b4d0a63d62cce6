// Looks at a tree without reading it: whether every file has the size, mode and time that it was
// unpacked with. Whoever edits a file in place changes its time.
#pragma once

#include "core/slug/file_list.hpp"
#include "core/sys/file.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace shipit::slug {

using sys::Path;

// Whether a symlink that is found in a tree was put there by shipit, instead of what the slug has
// by that name: the app's shared folders.
using IsOurs = std::function<bool(const std::string& path, const std::string& target)>;

// Indices, in the list, of the entries that are missing or other than listed. What the tree has
// beside them is the app's own (caches of compiled code), as are the times of folders.
[[nodiscard]] std::vector<std::size_t> changed_entries(const Path& tree, const FileList& list,
                                                       std::optional<gid_t> group,
                                                       const IsOurs& is_ours);

} // namespace shipit::slug

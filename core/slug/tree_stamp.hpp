// ID.stamp, beside a tree: that the tree is complete and was on the disk, and for whom it was made.
// A tree without its stamp may have lost files in a power cut, and is unpacked again.
#pragma once

#include "core/base/ids.hpp"
#include "core/sys/file.hpp"

#include <optional>
#include <string>

#include <sys/types.h>

namespace shipit::slug {

using sys::Path;

struct TreeStamp {
    std::optional<gid_t> group;
    std::string boot_id; // of the machine's run in which it was unpacked

    bool operator==(const TreeStamp&) const = default;
};

[[nodiscard]] Path stamp_path(const Path& trees, const SlugId& id);
// Nothing if there is none, or if it is damaged.
[[nodiscard]] std::optional<TreeStamp> read_stamp(const Path& trees, const SlugId& id);
// Durable on return.
void write_stamp(const Path& trees, const SlugId& id, const TreeStamp& stamp);

} // namespace shipit::slug

// ID.stamp, beside a tree: that the tree is complete, whether it is on the disk, and for whom it
// was made. A tree that was not on the disk yet when the machine went down may have lost anything,
// and one without its stamp is not complete: both are unpacked again.
#pragma once

#include "core/base/ids.hpp"
#include "core/sys/file.hpp"

#include <optional>
#include <string>

#include <sys/types.h>

namespace shipit::slug {

using sys::Path;

// The group of a tree that is being given to another one: no group's, until all of it is.
constexpr auto in_between_groups = static_cast<gid_t>(-1);

struct TreeStamp {
    std::optional<gid_t> group;
    std::string boot_id; // of the machine's run in which it was unpacked
    bool is_flushed = false;

    bool operator==(const TreeStamp&) const = default;
};

[[nodiscard]] Path stamp_path(const Path& trees, const SlugId& id);
// Nothing if there is none, or if it is damaged.
[[nodiscard]] std::optional<TreeStamp> read_stamp(const Path& trees, const SlugId& id);
// Durable on return if the tree is.
void write_stamp(const Path& trees, const SlugId& id, const TreeStamp& stamp);
// So that the next reader finds none, also after a power cut.
void remove_stamp(const Path& trees, const SlugId& id);

} // namespace shipit::slug

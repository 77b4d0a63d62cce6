// Makes a folder of a slug again: a release's tree.
#pragma once

#include "core/base/ids.hpp"
#include "core/base/progress.hpp"
#include "core/slug/store.hpp"

#include <optional>
#include <string>

#include <sys/types.h>

namespace shipit::slug {

struct UnpackOptions {
    // What the manifest records; checked before anything is unpacked. Empty: this process has just
    // written the archive.
    std::string sha256 = {};
    // The group of the app's user: it gets all that can be read, and may write nothing. Without
    // it every mode is exactly the build's.
    std::optional<gid_t> group = {};
    unsigned threads = 0; // 0: as many as there are cores
    Progress progress = {};
};

// The tree of a slug, `trees`/ID, which is complete and on the disk when this returns. Does nothing
// if it is there already and was on the disk before this machine last started. `trees` exists.
// Throws Error (corrupt) naming slug and both hashes; (failed) for a missing slug or a full disk.
// No tree has its name before it is complete.
[[nodiscard]] Path unpack(const Store& store, const SlugId& id, const Path& trees,
                          const UnpackOptions& options);

// The mode that an entry has in a tree for `group`.
[[nodiscard]] unsigned mode_in_tree(const Entry& entry, std::optional<gid_t> group);

// Removes a tree with its stamp; false if there was none. The tree loses its name first.
bool remove_tree(const SlugId& id, const Path& trees);
// Removes what interrupted unpacking left. Only while no other unpacking can be running.
void tidy_trees(const Path& trees);

} // namespace shipit::slug

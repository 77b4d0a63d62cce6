// Makes a folder of a slug again: a release's tree.
#pragma once

#include "core/base/ids.hpp"
#include "core/base/progress.hpp"
#include "core/slug/store.hpp"
#include "core/slug/tree_check.hpp"

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace shipit::slug {

struct UnpackOptions {
    // What the manifest records; no tree gets its name unless the archive has it. Empty: this
    // process has just written the archive, and what it copied into it is checked by its own hash.
    std::string sha256 = {};
    // The group of the app's user: it gets all that can be read, and may write nothing. Without
    // it every mode is exactly the build's.
    std::optional<gid_t> group = {};
    // A stored slug whose tree is there: where the file system can share blocks (btrfs, XFS), the
    // bigger files that are the same there are cloned from it.
    std::optional<SlugId> beside = {};
    IsOurs is_ours = {}; // what shipit itself put into a tree is no damage
    // Processes run in the tree that is there: they may be writing to what was changed in it.
    bool is_in_use = false;
    unsigned threads = 0; // 0: as many as there are cores
    Progress progress = {};
};

// The tree of a slug, `trees`/ID, which is complete when this returns, but not yet on the disk: if
// the power goes before flush_tree(), the next unpack() after that notices and makes it again.
// A tree that is there is looked at (tree_check.hpp), and what was changed in it is brought back in
// place, with a warning that says where what it was is kept (kept.hpp). In one that is in use, only
// what is missing is, and modes; what has other content stays, with a warning. A tree is given to
// another group in place, too. It stays the same folder, with all that the app has added, and is on
// the disk if it was. `trees` exists. Throws Error (corrupt) naming slug and both hashes; (failed)
// for a missing slug or a full disk. No tree has its name before it is complete.
[[nodiscard]] Path unpack(const Store& store, const SlugId& id, const Path& trees,
                          const UnpackOptions& options);

// Whether the tree is there, was complete when it was last looked at, and no power cut may have
// taken any of it since; and, where one is given, it was made for that group, or for none.
[[nodiscard]] bool is_unpacked(const SlugId& id, const Path& trees);
[[nodiscard]] bool is_unpacked(const SlugId& id, const Path& trees, std::optional<gid_t> group);

// What unpack() would bring back in a tree that is there, which is only looked at. Throws Error for
// a slug that is missing or damaged.
[[nodiscard]] std::vector<std::string> changed_in_tree(const Store& store, const SlugId& id,
                                                       const Path& trees,
                                                       const UnpackOptions& options);

// What was written into a tree that is there; only looked at. Throws as above.
[[nodiscard]] Written written_in_tree(const Store& store, const SlugId& id, const Path& trees,
                                      const LookOptions& options);

// Puts a tree on the disk and notes that it is there; durable on return. Waits for all that is to
// be written on its file system (syncfs(2): one wait of a second, where a flush of every file takes
// a minute), so it is called when nobody waits any more: traffic has been switched.
void flush_tree(const SlugId& id, const Path& trees);

// The mode that an entry has in a tree for `group`.
[[nodiscard]] unsigned mode_in_tree(const Entry& entry, std::optional<gid_t> group);

// That of its own folder.
[[nodiscard]] unsigned mode_of_tree(std::optional<gid_t> group);

} // namespace shipit::slug

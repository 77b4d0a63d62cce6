// Looks at a tree without reading it: whether every file has the size, mode and time that it was
// unpacked with. Whoever edits a file in place changes its time.
#pragma once

#include "core/slug/file_list.hpp"
#include "core/sys/file.hpp"

#include <chrono>
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

// An entry of the list that is missing in a tree, or other than listed.
struct ChangedEntry {
    enum class Kind {
        missing,
        mode,    // of a folder, or of a file that is the same otherwise
        content, // or its type; also what is inside a folder that is none any more
    };
    std::size_t index;
    Kind kind;
};

// In the list's order. What the tree has beside the list is the app's own (caches of compiled
// code), as are the times of folders.
[[nodiscard]] std::vector<ChangedEntry> changed_entries(const Path& tree, const FileList& list,
                                                        std::optional<gid_t> group,
                                                        const IsOurs& is_ours);

// What somebody else than shipit has written into a tree. Not what programs leave anywhere, and
// nobody misses: caches, logs, PID files, sockets, empty folders.
struct Written {
    std::vector<std::string> changed; // has other content than in the slug, or another type
    std::vector<std::string> added;   // the slug has no such file
    std::string place = {}; // of the first of `added`: it, or the first folder on its way that the
                            // slug has not
    bool is_cut_short = false; // there may be more
};

struct LookOptions {
    IsOurs is_ours = {};
    std::chrono::milliseconds at_most; // that it takes
};

// In the order of paths. Throws Error if there is no such tree.
[[nodiscard]] Written written_in(const Path& tree, const FileList& list,
                                 const LookOptions& options);

// The first path at or below `path` that a tree has and the slug has not, or has with other
// content. Nothing if there is none.
[[nodiscard]] std::optional<std::string>
first_other(const Path& tree, const FileList& list, const std::string& path, const IsOurs& is_ours);

} // namespace shipit::slug

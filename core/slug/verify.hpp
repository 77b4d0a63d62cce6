// Compares a tree with its slug, and slugs with each other, by their file lists.
#pragma once

#include "core/base/progress.hpp"
#include "core/slug/file_list.hpp"
#include "core/sys/file.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace shipit::slug {

using sys::Path;

struct Difference {
    enum class Kind { edited, missing, extra, mode } kind; // edited: other content, type or target
    std::string path;
};
[[nodiscard]] const char* name_of(Difference::Kind kind);

struct VerifyOptions {
    std::optional<gid_t> group = {};         // as the tree was unpacked
    std::vector<std::string> leave_out = {}; // paths that are the app's own: the shared ones
    Progress progress = {};
};

// Reads the whole tree. In the order of paths; empty if the tree is as it was unpacked (times are
// not looked at). Files that change while they are read are edited. Throws Error if it cannot be
// read.
[[nodiscard]] std::vector<Difference> verify_tree(const Path& tree, const FileList& list,
                                                  const VerifyOptions& options);

struct Change {
    enum class Kind { added, removed, changed, mode } kind; // mode: nothing but the mode
    std::string path;
    std::uint64_t size_before = 0;
    std::uint64_t size_after = 0;
    unsigned mode_before = 0;
    unsigned mode_after = 0;
};
[[nodiscard]] const char* name_of(Change::Kind kind);

// In the order of paths. Folders are told only where their modes change, or where they are added or
// removed empty.
[[nodiscard]] std::vector<Change> diff(const FileList& before, const FileList& after);

} // namespace shipit::slug

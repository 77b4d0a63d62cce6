// Lists what is in a folder: every file, folder, symlink and hard link, with what fstat(2) said of
// it.
#pragma once

#include "core/slug/file_list.hpp"
#include "core/slug/ignore.hpp"
#include "core/sys/clock.hpp"
#include "core/sys/file.hpp"

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include <sys/stat.h>

namespace shipit::slug {

using sys::Path;

// What makes a file the same file with the same content; nothing but reading it knows more.
struct Identity {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
    std::int64_t mtime_ns = 0;
    std::int64_t ctime_ns = 0;
    bool operator==(const Identity&) const = default;
};
[[nodiscard]] Identity identity_of(const struct stat& status);

struct Walked {
    FileList list;                    // without the hashes of files that are not empty
    std::vector<Identity> identities; // of every entry of the list
    bool is_cut_short = false;        // the time was over before all was looked at
    std::uint64_t left_out = 0;       // entries that a rule or a path left out, with all in them
};

struct WalkOptions {
    IgnoreRules rules;
    std::set<std::string, std::less<>> beyond_rules = {}; // paths that no rule leaves out
    std::set<std::string, std::less<>> leave_out = {};    // paths, with all that is in them
    // Called, in order, with what is no file, folder or link; it is left out then. Without it that
    // is an error.
    std::function<void(const std::string& path)> other = {};
    // What a tree that is in use should have: folders that are not listed are not entered, and what
    // vanishes meanwhile, cannot be read or has too long a path is left out. Otherwise each is an
    // error.
    const FileList* expected = nullptr;
    // Of folders that are not listed there: whether this one is entered all the same.
    std::function<bool(const std::string& path)> enters = {};
    // From then on nothing more is looked at: what was found until then is the result.
    const sys::Deadline* until = nullptr;
    Identity forbidden = {}; // a folder whose device and inode these are must not be in there
    unsigned threads = 0;    // 0: as many as there are cores
};

// `root` is an open folder, `shown` its name for errors. Throws Error that names what cannot be
// read or packed. Symlinks are never followed. Works on several cores; the result is in order.
[[nodiscard]] Walked walk(int root, const Path& shown, const WalkOptions& options);

} // namespace shipit::slug

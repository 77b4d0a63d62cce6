// Data that outlives releases: folders and files of APP/shared, linked into a tree.
#pragma once

#include "core/sys/account.hpp"
#include "core/sys/file.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace shipit::deploy {

// What in a tree is not the slug's, of which there may be no other copy.
struct TreeContent {
    using Other = std::function<std::optional<std::string>(const std::string& path)>;
    // The first path at or below this one that the slug does not have, or has with other content.
    Other other = {};
    // The same of the tree of what is live, whose folder this is, if that is another one.
    Other other_in_live = {};
    sys::Path live = {};
    // Away with it to where it is kept.
    std::function<void(const std::string& path)> keep = {};
    // What stops the app, for the advice.
    std::string stop_command = {};
};

// A build, out of whose slug the shared paths are left.
struct LeftOut {
    std::function<bool(const std::string& path)> is_file; // there
    sys::Path folder = {}; // where a person finds it; empty for one that came as an archive
};

// Before a slug is made of it. Throws Error (usage) naming the path that is a file in the build,
// and not in `shared` yet, where it would become an empty folder. `live` is the tree of what is
// live, if anything is, and `stop_command` what stops the app, for the advice.
void refuse_files_left_out(const LeftOut& build, const sys::Path& shared,
                           const std::vector<std::string>& paths, const sys::Path& live,
                           const std::string& stop_command);

// For each of `paths` (relative, clean): makes `shared`/path a folder, owned by `owner` where one
// is given (the app writes there), unless it is a file, and puts a relative symlink to it in `tree`
// in the place of whatever is there by that name: what is not the slug's is kept. Done again it
// changes nothing.
//
// `shared` belongs to the app: no symlink in it is followed. Throws Error naming the path; before
// anything is changed where something of the app's would be gone from its place, with nothing in
// `shared` yet, and where the slug, or what is live, has a file of which it is not known that it is
// to be one there.
void link_shared(const sys::Path& tree, const sys::Path& shared,
                 const std::vector<std::string>& paths, const std::optional<sys::Account>& owner,
                 const TreeContent& content);

// Whether link_shared has been here for all of `paths`.
[[nodiscard]] bool is_linked(const sys::Path& tree, const std::vector<std::string>& paths);

// What belongs to somebody else than the account, of those of `paths` that it may not write to.
struct Closed {
    std::string path; // as of `paths`
    uid_t owner;
};
[[nodiscard]] std::vector<Closed> closed_to(const sys::Account& account, const sys::Path& shared,
                                            const std::vector<std::string>& paths);

// Whether the symlink at `path` in a tree, which leads to `target`, is one that link_shared made.
[[nodiscard]] bool is_shared_link(const std::string& path, const std::string& target);

} // namespace shipit::deploy

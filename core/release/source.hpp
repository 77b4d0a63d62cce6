// Where a build comes from: its git work tree, if it has one.
#pragma once

#include "core/base/json.hpp"
#include "core/sys/file.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace shipit::release {

struct Source {
    std::string commit;  // 40 or 64 hex digits
    std::string branch;  // empty on a detached HEAD
    bool dirty = false;  // changed or untracked files beside what is committed, as far as is known
    std::string subject; // of the commit, printable, at most 200 characters

    bool operator==(const Source&) const = default;
};

[[nodiscard]] Json json_of(const Source& source);

// Asks git(1) about the work tree that `folder` lies in. Nothing if there is no git, no repository,
// no commit yet, or if git takes longer than `patience`: what is not known is not worth a deploy.
//
// A repository's configuration can name programs that git runs. So root runs git as the owner of
// `folder`, and a repository of somebody else, or one with filters of its own for files (those of a
// user's or of the host's configuration are trusted), is asked for its commit only (never for
// `dirty`), which runs nothing. A folder that was unpacked from an archive must not be asked at
// all: it belongs to whoever unpacked it, not to whoever wrote it.
[[nodiscard]] std::optional<Source>
source_of(const sys::Path& folder, std::chrono::milliseconds patience = std::chrono::seconds(5));

} // namespace shipit::release

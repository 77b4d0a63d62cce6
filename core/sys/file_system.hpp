// What kind of file system something is on, as /proc/self/mountinfo tells (proc(5)).
#pragma once

#include "core/sys/file.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace shipit::sys {

struct FileSystem {
    std::string type; // "ext4", "tmpfs", "fuse.sshfs"
    bool is_read_only = false;
    bool runs_programs = true; // not mounted with `noexec`

    // Gone when the host is started again.
    [[nodiscard]] bool is_in_memory() const;
    // On another host, or on this one behind a program: what is locked or durable is up to that.
    [[nodiscard]] bool is_remote() const;
};

// That of an absolute path without symlinks; nothing if `mountinfo` has none, not even of "/".
[[nodiscard]] std::optional<FileSystem> file_system_in(std::string_view mountinfo,
                                                       const Path& path);
// That of something that is there. Throws Error.
[[nodiscard]] FileSystem file_system_of(const Path& path);

// Whether files of this folder, which must be writable, can share their blocks (FICLONE), by trying
// it with two that have no name.
[[nodiscard]] bool can_clone_in(const Path& folder);

} // namespace shipit::sys

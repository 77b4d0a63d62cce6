// A build: what is going to be deployed, as an open folder. An archive is first unpacked into a
// private folder, as hostile as it may be.
#pragma once

#include "core/base/progress.hpp"
#include "core/slug/limits.hpp"
#include "core/sys/fd.hpp"
#include "core/sys/file.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace shipit::slug {

using sys::Path;

// What the names of folders with builds that came from outside begin with.
constexpr const char* staging_prefix = ".build-";

class Build {
  public:
    // `what` is a folder, an archive (tar, or tar with gzip, bzip2, xz or zstd; zip), or "-" for an
    // archive on stdin, which is read to its end. Archives are unpacked into a new folder in
    // `staging_parent` that goes when the Build goes. Throws Error: nothing there, not an archive,
    // incomplete, against `limits`, or containing what no build may contain.
    [[nodiscard]] static Build open(const Path& what, const Path& staging_parent,
                                    const Limits& limits, const Progress& progress);
    // A build that was put together in a private folder, which goes when the Build goes.
    [[nodiscard]] static Build made(std::string name, sys::TempFolder folder);

    [[nodiscard]] int fd() const { return m_fd.get(); }
    // What people call it: the folder, the archive, or "standard input".
    [[nodiscard]] const std::string& name() const { return m_name; }
    // Where the files are.
    [[nodiscard]] const Path& folder() const { return m_folder; }
    [[nodiscard]] bool is_staged() const { return m_staged.has_value(); }
    // A file at the build's root ("Procfile"); nothing if there is none. Throws Error if it is no
    // regular file (symlinks are not followed) or has more than `limit` bytes.
    [[nodiscard]] std::optional<std::string> read_file(const std::string& file,
                                                       std::uint64_t limit = 1 << 20) const;
    // Whether this path in it is a regular file; no symlink is followed.
    [[nodiscard]] bool has_file(const std::string& path) const;

  private:
    Build(std::string name, Path folder, std::optional<sys::TempFolder> staged);

    std::string m_name;
    std::optional<sys::TempFolder> m_staged;
    Path m_folder;
    sys::Fd m_fd;
};

} // namespace shipit::slug

// Unpacks an archive from outside into a private folder: tar (plain, gzip, bzip2, xz, zstd) and
// zip, read by libarchive, written by StagingWriter.
#pragma once

#include "core/base/progress.hpp"
#include "core/slug/limits.hpp"
#include "core/sys/file.hpp"

namespace shipit::slug {

using sys::Path;

// Reads `fd` to its end. `folder` is empty and private; what is in it after a failure is garbage.
// Throws Error: no archive of these kinds, damaged, cut off (a tar must end in two zero blocks, a
// zip in its directory, and nothing but zeros may follow), too big for `limits`, or an entry that
// may not be; and Interrupted.
void unpack_archive(int fd, const Path& folder, const Limits& limits, const Progress& progress);

} // namespace shipit::slug

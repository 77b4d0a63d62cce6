// A folder for what nobody else is to see, and no disk to keep.
#pragma once

#include "core/sys/file.hpp"

#include <string>

namespace shipit::sys {

// 0700, named `prefix` + random; in memory (/dev/shm, /run) where this host has such a place that
// is ours to write, else inside `otherwise`. Gone when this is; what processes that were killed
// have left by that prefix goes when the next one is made.
class PrivateFolder {
  public:
    PrivateFolder(const std::string& prefix, const Path& otherwise); // throws Error
    [[nodiscard]] const Path& path() const { return m_folder.path(); }

  private:
    TempFolder m_folder;
};

} // namespace shipit::sys

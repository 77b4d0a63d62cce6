// The program that runs here, as a file: which one it is, and whether another took its place.
#pragma once

#include "core/sys/file.hpp"

namespace shipit::supervise {

class OwnProgram {
  public:
    OwnProgram(); // to be made at the start, when the file still has its name

    [[nodiscard]] const sys::Path& path() const { return m_path; }
    // Its name is another file's now.
    [[nodiscard]] bool is_outdated() const;

  private:
    sys::Path m_path;
};

} // namespace shipit::supervise

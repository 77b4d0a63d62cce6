// The program that runs here: which file it is, whether another took its place, and what
// environment it was given.
#pragma once

#include "core/supervise/become.hpp"

namespace shipit::supervise {

[[nodiscard]] Environment own_environment();

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

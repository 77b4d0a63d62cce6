// A folder of a test's own: on tmpfs where there is one, removed at the end, kept if SHIPIT_KEEP is
// set.
#pragma once

#include "core/sys/file.hpp"

#include <cstdlib>

namespace shipit::tests {

class TestFolder {
  public:
    TestFolder() : m_folder(parent(), "shipit-unit-") {
        if (std::getenv("SHIPIT_KEEP") != nullptr) {
            m_kept = m_folder.path();
            m_folder.keep();
        }
    }
    [[nodiscard]] const sys::Path& path() const {
        return m_kept.empty() ? m_folder.path() : m_kept;
    }
    [[nodiscard]] sys::Path operator/(const sys::Path& name) const { return path() / name; }

  private:
    static sys::Path parent() {
        if (const char* chosen = std::getenv("SHIPIT_TEST_TMP"))
            return chosen;
        return sys::is_there("/dev/shm") ? "/dev/shm" : "/tmp";
    }
    sys::TempFolder m_folder;
    sys::Path m_kept;
};

} // namespace shipit::tests

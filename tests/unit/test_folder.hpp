// A folder of a test's own: on tmpfs where there is one, removed at the end, kept if SHIPIT_KEEP is
// set.
#pragma once

#include "core/sys/file.hpp"

#include <cstdlib>
#include <exception>

namespace shipit::tests {

class TestFolder {
  public:
    // Not locked, as other temporary folders are: what a test locks is its own business.
    TestFolder() {
        sys::TempFolder made(parent(), "shipit-unit-");
        m_path = made.path();
        made.keep();
    }
    TestFolder(const TestFolder&) = delete;
    TestFolder& operator=(const TestFolder&) = delete;
    ~TestFolder() {
        try {
            if (std::getenv("SHIPIT_KEEP") == nullptr)
                sys::remove_tree(m_path);
        } catch (const std::exception&) {
            // It is in a folder for temporary files.
        }
    }
    [[nodiscard]] const sys::Path& path() const { return m_path; }
    [[nodiscard]] sys::Path operator/(const sys::Path& name) const { return path() / name; }

  private:
    static sys::Path parent() {
        if (const char* chosen = std::getenv("SHIPIT_TEST_TMP"))
            return chosen;
        return sys::is_there("/dev/shm") ? "/dev/shm" : "/tmp";
    }
    sys::Path m_path;
};

} // namespace shipit::tests

// A file system that shares blocks between files, in a file, where there is none already.
#pragma once

#include "core/sys/file_system.hpp"
#include "tests/unit/slug_support.hpp"

#include <cstdlib>
#include <memory>

namespace shipit::tests {

// While it lives, folders of tests are made on it. It takes root, mkfs.xfs and loop devices.
class CloningDisk {
  public:
    CloningDisk() {
        if (sys::can_clone_in(m_folder.path()))
            return;
        m_is_mounted = shell(m_folder.path(), "truncate -s 400M image && mkfs.xfs -q image && "
                                              "mkdir disk && mount -o loop image disk")
                           .status == 0;
        if (!m_is_mounted)
            return;
        if (const char* chosen = std::getenv("SHIPIT_TEST_TMP"))
            m_before = chosen;
        REQUIRE(::setenv("SHIPIT_TEST_TMP", (m_folder / "disk").c_str(), 1) == 0);
    }
    ~CloningDisk() {
        if (!m_is_mounted)
            return;
        (void)::unsetenv("SHIPIT_TEST_TMP");
        if (!m_before.empty())
            (void)::setenv("SHIPIT_TEST_TMP", m_before.c_str(), 1);
        run(m_folder.path(), "umount disk");
    }
    CloningDisk(const CloningDisk&) = delete;
    CloningDisk& operator=(const CloningDisk&) = delete;

    [[nodiscard]] bool is_there() const {
        return m_is_mounted || sys::can_clone_in(m_folder.path());
    }

  private:
    TestFolder m_folder;
    bool m_is_mounted = false;
    std::string m_before;
};

} // namespace shipit::tests

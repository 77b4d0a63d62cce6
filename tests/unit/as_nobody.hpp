// What nobody in particular can do: root in this process is another user for a while.
#pragma once

#include <doctest/doctest.h>

#include <unistd.h>

namespace shipit::tests {

inline constexpr uid_t nobody = 65534;

// While it lives, this process has the rights of `nobody`, if it is root's; the shell lines that it
// runs stay root's.
class AsNobody {
  public:
    AsNobody() { REQUIRE((!m_is_root || ::seteuid(nobody) == 0)); }
    ~AsNobody() { CHECK((!m_is_root || ::seteuid(0) == 0)); }
    AsNobody(const AsNobody&) = delete;
    AsNobody& operator=(const AsNobody&) = delete;

  private:
    bool m_is_root = ::geteuid() == 0;
};

} // namespace shipit::tests

// What the tests of the room `push` share.
#pragma once

#include "core/push/wire.hpp"
#include "tests/unit/slug_support.hpp"

#include <csignal>
#include <string>
#include <string_view>

#include <sys/mman.h>
#include <unistd.h>

namespace shipit::tests {

// As long as it lives, writing to what nobody reads is an error, as it is in shipit.
class PipesDoNotKill {
  public:
    PipesDoNotKill() : m_before(std::signal(SIGPIPE, SIG_IGN)) {}
    ~PipesDoNotKill() { (void)std::signal(SIGPIPE, m_before); }
    PipesDoNotKill(const PipesDoNotKill&) = delete;
    PipesDoNotKill& operator=(const PipesDoNotKill&) = delete;

  private:
    void (*m_before)(int);
};

// Bytes behind a descriptor, from which they can be read and to which they can be written.
class Stream {
  public:
    explicit Stream(std::string_view bytes = {}) : m_fd(::memfd_create("stream", MFD_CLOEXEC)) {
        REQUIRE(m_fd);
        sys::write_all(m_fd.get(), bytes, "stream");
        rewind();
    }
    [[nodiscard]] int fd() const { return m_fd.get(); }
    void rewind() const { REQUIRE(::lseek(m_fd.get(), 0, SEEK_SET) == 0); }

  private:
    sys::Fd m_fd;
};

inline std::string message(push::Type type, std::string_view body) {
    std::string bytes(1, static_cast<char>(type));
    for (unsigned shift = 0; shift < 32; shift += 8)
        bytes += static_cast<char>(body.size() >> shift & 0xFFU);
    return bytes.append(body);
}

} // namespace shipit::tests

#include "core/sys/fd.hpp"

#include <unistd.h>

namespace shipit::sys {

void Fd::reset(int fd) noexcept {
    if (m_fd >= 0)
        ::close(m_fd); // the kernel frees the descriptor even where close(2) fails
    m_fd = fd;
}

} // namespace shipit::sys

// The epolls (epoll(7)) into which a program has put its socket before it binds it, as Boost.Asio's
// acceptors and Netty's do.
//
// What an epoll watches is an open file, under the number of a descriptor. Where a slot takes the
// socket's place, it is watched only if it is put into the epoll under that very number, so that
// the program's later EPOLL_CTL_MOD and EPOLL_CTL_DEL find it, too.
#pragma once

#include "core/sys/fd.hpp"

#include <cstdint>
#include <vector>

#include <sys/types.h>

namespace shipit::supervise {

class Epolls {
  public:
    // Those of the process that watch the descriptor as long as it is `socket`. Throws SlotError
    // where there are no descriptors to look at them, Error where they cannot be told.
    Epolls(pid_t process, int descriptor, int socket);

    // Lets them watch the slot, which is that descriptor from now on, for the same events. Gives 0
    // or errno.
    [[nodiscard]] int watch(int slot) const;

  private:
    struct Watching {
        sys::Fd epoll;
        std::uint32_t events;
        std::uint64_t data;
    };
    [[nodiscard]] int add_all(int slot) const noexcept;

    int m_descriptor;
    std::vector<Watching> m_all;
};

} // namespace shipit::supervise

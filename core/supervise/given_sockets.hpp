// The listening sockets that a program is started with, by systemd's protocol (sd_listen_fds(3)):
// slots of its generation's side, or, where sockets cannot be handed over, new ones.
#pragma once

#include "core/supervise/addresses.hpp"
#include "core/supervise/program.hpp"

namespace shipit::supervise {

class GivenSockets {
  public:
    // `addresses`: null where there are no slots. Throws Error where an address cannot be had.
    GivenSockets(Addresses* addresses, Side side, const Program& program);
    // Open as long as this lives, and the slots anyway.
    [[nodiscard]] const std::vector<Launch::Socket>& all() const { return m_all; }

  private:
    std::vector<sys::Fd> m_made;
    std::vector<Launch::Socket> m_all;
};

} // namespace shipit::supervise

// The TCP sockets of this host that listen.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace shipit::supervise {

using Listeners = std::map<std::string, std::uint16_t>; // inode, as /proc/PID/fd has it, to port

// Asks the kernel for these alone (sock_diag(7)): under load /proc/net/tcp holds ten thousands of
// closed connections, and reading it takes seconds. Where that cannot be asked it is read all the
// same.
[[nodiscard]] Listeners listeners();

} // namespace shipit::supervise

// Who listens on a TCP port of this host, as /proc/net tells.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <sys/types.h>

namespace shipit::supervise {

struct PortHolder {
    pid_t pid = 0;    // 0: another user's, whose descriptors we may not see
    std::string name; // "nginx"

    [[nodiscard]] std::string text() const; // "process 4711 (nginx)", "a process of another user"
};

// Nothing if nobody listens on the port, whatever the address.
[[nodiscard]] std::optional<PortHolder> holder_of(std::uint16_t port);

// The inodes of the sockets that a process holds, as /proc/PID/fd has them; none where we may not
// look.
[[nodiscard]] std::set<std::string> sockets_of(pid_t process);

// Whether a process other than ourselves has the socket with that inode open, so far as we may
// look.
[[nodiscard]] bool is_open_elsewhere(ino_t socket);

// The ports on which any of these processes listens, ascending.
[[nodiscard]] std::vector<std::uint16_t> ports_of(const std::vector<pid_t>& pids);

// Where a socket is open.
struct SocketHolder {
    pid_t process = 0; // 0: not known
    std::string descriptor{};
};
// Whether a process but us has that socket open, or may have; looks first where it was the last
// time, which is kept in `last`.
[[nodiscard]] bool is_held(ino_t inode, SocketHolder& last);

} // namespace shipit::supervise

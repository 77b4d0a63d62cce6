// Unix sockets by name, also where the name is longer than the 107 bytes that an address takes:
// then by way of /proc/self/fd/FOLDER/NAME.
#pragma once

#include "core/sys/fd.hpp"
#include "core/sys/file.hpp"

namespace shipit::supervise {

using sys::Path;

// A listening socket (non-blocking) under this name, mode 0600, replacing what is there. The caller
// holds the lock that makes it the only one to do so. Throws Error.
[[nodiscard]] sys::Fd listen_at(const Path& socket);

// A connected socket (blocking); an empty Fd if nobody listens there. Throws Error for other
// failures.
[[nodiscard]] sys::Fd connect_to(const Path& socket);

// A bound socket (blocking) under this name, with this mode, replacing what is there. Throws Error.
[[nodiscard]] sys::Fd bound_at(const Path& socket, mode_t mode);

// A socket (non-blocking) that is connected; an empty Fd with errno if nobody takes it at once.
[[nodiscard]] sys::Fd begin_connecting_to(const Path& socket) noexcept;

// Neither bound nor connected (blocking), for what is to listen at `socket`. Throws Error.
[[nodiscard]] sys::Fd new_unix_socket(const Path& socket);

// How long a name may be that a program is to bind, which does not know that way.
constexpr std::size_t longest_socket_name = 107;

constexpr const char* control_socket_name = "control.sock";

} // namespace shipit::supervise

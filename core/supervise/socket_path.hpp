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

constexpr const char* control_socket_name = "control.sock";

} // namespace shipit::supervise

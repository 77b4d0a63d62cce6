// One descriptor from one process to another, over a Unix socket.
#pragma once

#include "core/sys/fd.hpp"

#include <cstddef>
#include <utility>

#include <sys/types.h>

namespace shipit::supervise {

// The two ends of a socket that keeps messages apart; both close on exec. Throws Error.
[[nodiscard]] std::pair<sys::Fd, sys::Fd> message_pair();

// Only makes system calls. False with errno if it fails.
[[nodiscard]] bool send_fd(int socket, int fd) noexcept;

// The next message's bytes, 0 at the end of all, -1 with errno; `fd` is what came with it, if
// anything.
[[nodiscard]] ssize_t receive(int socket, void* data, std::size_t size, sys::Fd& fd) noexcept;

} // namespace shipit::supervise

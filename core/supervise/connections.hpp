// Connections on which a program has a request that it has not begun to answer, as far as the
// kernel can tell.
//
// It has: who sent something after the last that was sent to him; or when nothing was sent to him
// at all, or what he sent has not been read. It has not: a kept connection that waits for its next
// request; one that is being answered, as streams and websockets are. A connection on which nothing
// came yet counts for a moment, since its client may have been kept from sending.
#pragma once

#include "core/supervise/tcp_address.hpp"

#include <chrono>
#include <optional>
#include <vector>

#include <sys/types.h>

namespace shipit::supervise {

// For how long the one has waited that has waited longest for any of these processes, which accept
// from these addresses; nothing if none waits, or it cannot be told. That is, for how long nothing
// was sent to him, or nothing came from him, whichever is longer: so that one who has been sending
// the same request for long differs from one who asks again whenever he is answered.
[[nodiscard]] std::optional<std::chrono::milliseconds>
longest_unanswered(const std::vector<TcpAddress>& addresses, const std::vector<pid_t>& processes);

} // namespace shipit::supervise

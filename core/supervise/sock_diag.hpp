// What the kernel tells of the TCP sockets of this host (sock_diag(7)).
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include <linux/inet_diag.h>

namespace shipit::supervise {

// As sock_diag numbers them (the kernel's include/net/tcp_states.h).
enum class TcpState : std::uint8_t { established = 1, close_wait = 8, listen = 10 };

[[nodiscard]] constexpr std::uint32_t bit_of(TcpState state) {
    return 1U << static_cast<unsigned>(state);
}

struct TcpQuery {
    std::uint8_t family;    // AF_INET, AF_INET6
    std::uint32_t states;   // bits
    std::uint16_t port = 0; // the local one; 0: any
    bool with_info = false; // `details` has a tcp_info
};

// One socket, and what else was asked for, as attributes (netlink(7)).
using OnTcpSocket = std::function<void(const inet_diag_msg& socket, std::string_view details)>;

// False if it cannot be asked, or not all was told.
[[nodiscard]] bool ask_for_sockets(const TcpQuery& query, const OnTcpSocket& take);

} // namespace shipit::supervise

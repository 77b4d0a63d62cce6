// A TCP address that a program binds: family, host, port.
#pragma once

#include "core/base/json.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include <sys/socket.h>

namespace shipit::supervise {

struct TcpAddress {
    int family = AF_INET;
    std::array<std::uint8_t, 16> host{}; // in network order; of IPv4 the first four
    std::uint32_t scope = 0;             // the interface of a link-local address
    bool v6_only = false;                // of IPv6: no IPv4 clients
    std::uint16_t port = 0;
    unsigned device = 0; // the interface that alone it is open on, by SO_BINDTODEVICE; 0: all

    auto operator<=>(const TcpAddress&) const = default;

    // Nothing if it is neither IPv4 nor IPv6, or too short. `v6_only` and `device` are the caller's
    // to know.
    [[nodiscard]] static std::optional<TcpAddress> from(const sockaddr_storage& name,
                                                        socklen_t length);
    // "127.0.0.1", "::1", …; empty: all addresses of this host, IPv6's and IPv4's. Nothing if that
    // is no address.
    [[nodiscard]] static std::optional<TcpAddress> of(const std::string& host, std::uint16_t port);
    // Fills `name`; gives its length.
    [[nodiscard]] socklen_t put_into(sockaddr_storage& name) const;

    [[nodiscard]] bool is_any() const;
    // Of the forms that an address has, one: IPv4's where IPv6 has another for it, and without
    // `v6_only` where that makes no difference.
    [[nodiscard]] TcpAddress plain() const;
    // Itself, or IPv4's wildcard for one that also takes IPv6, where the kernel does without that.
    [[nodiscard]] TcpAddress possible_here() const;
    // Where this host reaches it: the loopback address for a wildcard, else itself.
    [[nodiscard]] TcpAddress from_here() const;
    [[nodiscard]] std::string text() const; // "127.0.0.1:8000", "[::]%eth1:8000"

    [[nodiscard]] Json json() const;
    [[nodiscard]] static std::optional<TcpAddress> from(const Json& json);
};

} // namespace shipit::supervise

#include "core/supervise/tcp_address.hpp"

#include "core/sys/fd.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <fmt/core.h>
#include <net/if.h>
#include <netinet/in.h>

namespace shipit::supervise {

std::optional<TcpAddress> TcpAddress::from(const sockaddr_storage& name, socklen_t length) {
    TcpAddress address;
    address.family = name.ss_family;
    if (name.ss_family == AF_INET && length >= sizeof(sockaddr_in)) {
        sockaddr_in v4{};
        std::memcpy(&v4, &name, sizeof v4);
        std::memcpy(address.host.data(), &v4.sin_addr, sizeof v4.sin_addr);
        address.port = ntohs(v4.sin_port);
        return address;
    }
    if (name.ss_family == AF_INET6 && length >= sizeof(sockaddr_in6)) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, &name, sizeof v6);
        std::memcpy(address.host.data(), &v6.sin6_addr, sizeof v6.sin6_addr);
        address.scope = v6.sin6_scope_id;
        address.port = ntohs(v6.sin6_port);
        return address;
    }
    return std::nullopt;
}

std::optional<TcpAddress> TcpAddress::of(const std::string& host, std::uint16_t port) {
    TcpAddress address;
    address.port = port;
    for (const int family : {AF_INET, AF_INET6}) {
        address.family = family;
        if (host.empty() ? family == AF_INET6
                         : ::inet_pton(family, host.c_str(), address.host.data()) == 1)
            return address;
    }
    return std::nullopt;
}

socklen_t TcpAddress::put_into(sockaddr_storage& name) const {
    name = {};
    if (family == AF_INET) {
        sockaddr_in v4{};
        v4.sin_family = AF_INET;
        v4.sin_port = htons(port);
        std::memcpy(&v4.sin_addr, host.data(), sizeof v4.sin_addr);
        std::memcpy(&name, &v4, sizeof v4);
        return sizeof v4;
    }
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    v6.sin6_scope_id = scope;
    std::memcpy(&v6.sin6_addr, host.data(), sizeof v6.sin6_addr);
    std::memcpy(&name, &v6, sizeof v6);
    return sizeof v6;
}

bool TcpAddress::is_any() const {
    return std::all_of(host.begin(), host.end(), [](std::uint8_t byte) { return byte == 0; });
}

TcpAddress TcpAddress::plain() const {
    constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    TcpAddress address = *this;
    if (family == AF_INET6 && std::equal(mapped.begin(), mapped.end(), host.begin())) {
        address = {AF_INET, {}, 0, false, port};
        std::copy(host.begin() + mapped.size(), host.end(), address.host.begin());
    } else if (family == AF_INET6 && !is_any()) {
        address.v6_only = false;
    }
    return address;
}

TcpAddress TcpAddress::possible_here() const {
    TcpAddress address = *this;
    const auto has_ipv6 = [] {
        return sys::Fd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)) || errno != EAFNOSUPPORT;
    };
    if (family == AF_INET6 && is_any() && !v6_only && !has_ipv6())
        address.family = AF_INET;
    return address;
}

TcpAddress TcpAddress::from_here() const {
    TcpAddress address = *this;
    if (!is_any())
        return address;
    address.device = 0; // a connection that is made here says nothing of it
    if (family == AF_INET6 && v6_only) {
        address.host.back() = 1; // ::1
        return address;
    }
    // What takes both is asked by IPv4: it is what most programs know themselves by.
    address.family = AF_INET;
    address.host = {127, 0, 0, 1};
    address.v6_only = false;
    return address;
}

std::string TcpAddress::text() const {
    char host_text[INET6_ADDRSTRLEN] = "?";
    (void)::inet_ntop(family, host.data(), host_text, sizeof host_text);
    std::string on;
    if (char name[IF_NAMESIZE] = ""; device != 0)
        on = "%" + (::if_indextoname(device, name) != nullptr ? name : std::to_string(device));
    return family == AF_INET ? fmt::format("{}{}:{}", host_text, on, port)
                             : fmt::format("[{}]{}:{}", host_text, on, port);
}

Json TcpAddress::json() const {
    char host_text[INET6_ADDRSTRLEN] = "";
    (void)::inet_ntop(family, host.data(), host_text, sizeof host_text);
    return Json::object({{"family", family == AF_INET ? 4 : 6},
                         {"host", host_text},
                         {"scope", scope},
                         {"v6_only", v6_only},
                         {"device", device},
                         {"port", unsigned{port}}});
}

std::optional<TcpAddress> TcpAddress::from(const Json& json) {
    constexpr std::int64_t highest_port = 65535;
    TcpAddress address;
    address.family = json["family"].integer() == 4 ? AF_INET : AF_INET6;
    address.scope = static_cast<std::uint32_t>(json["scope"].integer());
    address.v6_only = json["v6_only"].boolean();
    address.device = static_cast<unsigned>(json["device"].integer());
    const std::int64_t port = json["port"].integer();
    if (port < 1 || port > highest_port ||
        ::inet_pton(address.family, json["host"].text().c_str(), address.host.data()) != 1)
        return std::nullopt;
    address.port = static_cast<std::uint16_t>(port);
    return address;
}

} // namespace shipit::supervise

#include "core/supervise/connections.hpp"

#include "core/supervise/port.hpp"
#include "core/supervise/sock_diag.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <string>

#include <linux/netlink.h>
#include <linux/tcp.h> // which has more of it than netinet/tcp.h

namespace shipit::supervise {

namespace {

using std::chrono::milliseconds;

// For a client between connect(2) and send(2): one that another program connected in advance, as
// browsers do, would wait for minutes.
constexpr milliseconds time_to_begin = std::chrono::seconds(3);

tcp_info info_in(std::string_view attributes) {
    tcp_info info{};
    nlattr head{};
    while (attributes.size() >= sizeof head) {
        std::memcpy(&head, attributes.data(), sizeof head);
        if (head.nla_len < sizeof head || head.nla_len > attributes.size())
            break;
        if (head.nla_type == INET_DIAG_INFO)
            std::memcpy(&info, attributes.data() + sizeof head,
                        std::min(sizeof info, head.nla_len - sizeof head));
        attributes.remove_prefix(std::min<std::size_t>(NLA_ALIGN(head.nla_len), attributes.size()));
    }
    return info;
}

std::optional<milliseconds> unanswered_for(const inet_diag_msg& socket, const tcp_info& info) {
    // The end of what the client sends counts as a byte.
    const unsigned end = socket.idiag_state == static_cast<unsigned>(TcpState::close_wait) ? 1 : 0;
    // Ago; without any data, its beginning.
    const milliseconds received{info.tcpi_last_data_recv};
    const milliseconds sent{info.tcpi_last_data_sent};
    if (info.tcpi_bytes_received <= end)
        return end == 0 && received < time_to_begin ? std::optional(received) : std::nullopt;
    const bool waits = socket.idiag_rqueue > end || info.tcpi_bytes_sent == 0 || received < sent;
    // What is being sent for long, like a file, has been received just now all the while.
    return waits ? std::optional(std::max(received, sent)) : std::nullopt;
}

} // namespace

std::optional<milliseconds> longest_unanswered(const std::vector<TcpAddress>& addresses,
                                               const std::vector<pid_t>& processes) {
    std::map<std::string, milliseconds> waiting; // by inode
    const std::uint32_t states = bit_of(TcpState::established) | bit_of(TcpState::close_wait);
    for (const TcpAddress& address : addresses)
        (void)ask_for_sockets(
            {static_cast<std::uint8_t>(address.family), states, address.port, true},
            [&](const inet_diag_msg& socket, std::string_view details) {
                const auto waits = unanswered_for(socket, info_in(details));
                if (waits && socket.idiag_inode != 0) // else it has not been accepted
                    waiting.emplace(std::to_string(socket.idiag_inode), *waits);
            });
    std::optional<milliseconds> longest;
    if (waiting.empty())
        return longest;
    for (const pid_t process : processes)
        for (const std::string& inode : sockets_of(process))
            if (const auto found = waiting.find(inode); found != waiting.end())
                longest = std::max(longest.value_or(milliseconds(0)), found->second);
    return longest;
}

} // namespace shipit::supervise

#include "core/supervise/listeners.hpp"

#include "core/base/text.hpp"
#include "core/sys/fd.hpp"
#include "core/sys/file.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <vector>

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace shipit::supervise {

namespace {

// --- sock_diag(7) ---

bool ask(int socket, std::uint8_t family) {
    struct {
        nlmsghdr head;
        inet_diag_req_v2 request;
    } message{};
    message.head.nlmsg_len = sizeof message;
    message.head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    message.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    message.request.sdiag_family = family;
    message.request.sdiag_protocol = IPPROTO_TCP;
    message.request.idiag_states = 1U << TCP_LISTEN;
    return ::send(socket, &message, sizeof message, 0) == sizeof message;
}

enum class Answer { more, all, refused };

Answer take(std::string_view messages, Listeners& found) {
    nlmsghdr head{};
    while (messages.size() >= sizeof head) {
        std::memcpy(&head, messages.data(), sizeof head);
        if (head.nlmsg_type == NLMSG_DONE)
            return Answer::all;
        inet_diag_msg socket{};
        if (head.nlmsg_type != SOCK_DIAG_BY_FAMILY || head.nlmsg_len > messages.size() ||
            head.nlmsg_len < sizeof head + sizeof socket)
            return Answer::refused;
        std::memcpy(&socket, messages.data() + sizeof head, sizeof socket);
        found.emplace(std::to_string(socket.idiag_inode), ntohs(socket.id.idiag_sport));
        messages.remove_prefix(std::min<std::size_t>(NLMSG_ALIGN(head.nlmsg_len), messages.size()));
    }
    return Answer::more;
}

// False if it cannot be asked.
bool add_by_diag(std::uint8_t family, Listeners& found) {
    const sys::Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
    if (!socket || !ask(socket.get(), family))
        return false;
    std::array<char, 32768> buffer{};
    for (Answer answer = Answer::more; answer != Answer::all;) {
        const ssize_t got = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
        if (got <= 0)
            return false;
        answer = take({buffer.data(), static_cast<std::size_t>(got)}, found);
        if (answer == Answer::refused)
            return false;
    }
    return true;
}

// --- /proc/net ---

std::optional<std::uint16_t> port_from(std::string_view hex) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(hex.data(), hex.data() + hex.size(), port, 16);
    return error == std::errc() && end == hex.data() + hex.size() ? std::optional(port)
                                                                  : std::nullopt;
}

// "  0: 0100007F:1F40 00000000:0000 0A … uid timeout inode …"
void add_listening(const std::string& table, Listeners& sockets) {
    constexpr std::string_view state_listen = "0A";
    constexpr std::size_t address_field = 1;
    constexpr std::size_t state_field = 3;
    constexpr std::size_t inode_field = 9;
    for (const std::string_view line : split(table, '\n')) {
        std::vector<std::string_view> fields;
        for (const std::string_view field : split(line, ' '))
            if (!field.empty())
                fields.push_back(field);
        if (fields.size() <= inode_field || fields[state_field] != state_listen)
            continue;
        const std::string_view address = fields[address_field];
        const auto port = port_from(address.substr(address.rfind(':') + 1));
        if (port)
            sockets.emplace(fields[inode_field], *port);
    }
}

void add_by_table(const char* table, Listeners& found) {
    constexpr std::uint64_t longest = 64 << 20;
    add_listening(sys::read_file_if_any(table, longest).value_or(""), found);
}

} // namespace

Listeners listeners() {
    Listeners found;
    if (!add_by_diag(AF_INET, found))
        add_by_table("/proc/net/tcp", found);
    if (!add_by_diag(AF_INET6, found))
        add_by_table("/proc/net/tcp6", found);
    return found;
}

} // namespace shipit::supervise

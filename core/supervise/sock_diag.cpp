#include "core/supervise/sock_diag.hpp"

#include "core/sys/fd.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace shipit::supervise {

namespace {

bool ask(int socket, const TcpQuery& query) {
    struct {
        nlmsghdr head;
        inet_diag_req_v2 request;
    } message{};
    message.head.nlmsg_len = sizeof message;
    message.head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    message.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    message.request.sdiag_family = query.family;
    message.request.sdiag_protocol = IPPROTO_TCP;
    message.request.idiag_states = query.states;
    message.request.id.idiag_sport = htons(query.port);
    if (query.with_info)
        message.request.idiag_ext = 1U << (INET_DIAG_INFO - 1U);
    return ::send(socket, &message, sizeof message, 0) == sizeof message;
}

enum class Answer { more, all, refused };

Answer take_all(std::string_view messages, const OnTcpSocket& take) {
    nlmsghdr head{};
    while (messages.size() >= sizeof head) {
        std::memcpy(&head, messages.data(), sizeof head);
        if (head.nlmsg_type == NLMSG_DONE)
            return Answer::all;
        inet_diag_msg socket{};
        constexpr std::size_t fixed = sizeof head + sizeof socket;
        if (head.nlmsg_type != SOCK_DIAG_BY_FAMILY || head.nlmsg_len > messages.size() ||
            head.nlmsg_len < fixed)
            return Answer::refused;
        std::memcpy(&socket, messages.data() + sizeof head, sizeof socket);
        take(socket, messages.substr(fixed, head.nlmsg_len - fixed));
        messages.remove_prefix(std::min<std::size_t>(NLMSG_ALIGN(head.nlmsg_len), messages.size()));
    }
    return Answer::more;
}

} // namespace

bool ask_for_sockets(const TcpQuery& query, const OnTcpSocket& take) {
    const sys::Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
    if (!socket || !ask(socket.get(), query))
        return false;
    std::array<char, 32768> buffer{};
    for (Answer answer = Answer::more; answer != Answer::all;) {
        const ssize_t got = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
        if (got <= 0)
            return false;
        answer = take_all({buffer.data(), static_cast<std::size_t>(got)}, take);
        if (answer == Answer::refused)
            return false;
    }
    return true;
}

} // namespace shipit::supervise

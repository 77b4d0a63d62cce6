#include "core/supervise/pass_fd.hpp"

#include "core/base/error.hpp"

#include <cerrno>
#include <cstring>

#include <sys/socket.h>
#include <sys/uio.h>

namespace shipit::supervise {

namespace {

union ControlMessage {
    char space[CMSG_SPACE(sizeof(int))];
    cmsghdr aligned;
};

} // namespace

std::pair<sys::Fd, sys::Fd> message_pair() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        throw_errno("cannot make a pair of sockets");
    return {sys::Fd(ends[0]), sys::Fd(ends[1])};
}

bool send_fd(int socket, int fd) noexcept {
    char byte = 0;
    iovec data{&byte, sizeof byte};
    ControlMessage control{};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control.space;
    message.msg_controllen = sizeof control.space;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
    return ::sendmsg(socket, &message, MSG_NOSIGNAL) == sizeof byte;
}

ssize_t receive(int socket, void* data, std::size_t size, sys::Fd& fd) noexcept {
    iovec place{data, size};
    ControlMessage control{};
    msghdr message{};
    message.msg_iov = &place;
    message.msg_iovlen = 1;
    message.msg_control = control.space;
    message.msg_controllen = sizeof control.space;
    ssize_t got = 0;
    do
        got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    const cmsghdr* header = got < 0 ? nullptr : CMSG_FIRSTHDR(&message);
    if (header != nullptr && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
        int came = -1;
        std::memcpy(&came, CMSG_DATA(header), sizeof came);
        fd.reset(came);
    }
    return got;
}

} // namespace shipit::supervise

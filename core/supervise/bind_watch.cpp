#include "core/supervise/bind_watch.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/supervise/call_filter.hpp"
#include "core/supervise/epolls.hpp"
#include "core/supervise/slots.hpp"
#include "core/sys/file.hpp"
#include "core/sys/shortage.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

namespace shipit::supervise {

namespace {

// The number behind "NAME:" in a file of /proc; nothing if it is not there (any more).
template <class Number>
std::optional<Number> number_in(const sys::Path& file, std::string_view name, int base) {
    constexpr std::uint64_t longest = 64 << 10;
    try {
        const std::string content = sys::read_file_if_any(file, longest).value_or("");
        for (const std::string_view line : split(content, '\n')) {
            if (line.substr(0, name.size()) != name)
                continue;
            const std::string_view value = trimmed(line.substr(name.size()));
            Number number{};
            if (std::from_chars(value.data(), value.data() + value.size(), number, base).ec ==
                std::errc())
                return number;
        }
    } catch (const Error&) { // it has just ended
    }
    return std::nullopt;
}

// Of what is needed to look at a call. Its caller gets it as its own: if it went on, it would have
// another socket than all think, until its end.
struct Shortage {
    int error_number;
};

// As many at a time as looking at a call takes.
void require_descriptors(int notifications) {
    const sys::Fd one(::fcntl(notifications, F_DUPFD_CLOEXEC, 0));
    const sys::Fd two(::fcntl(notifications, F_DUPFD_CLOEXEC, 0));
    if (!one || !two)
        throw Shortage{errno};
}

// pidfd_open(2) wants the process, a notification names the thread.
std::optional<pid_t> process_of(pid_t thread) {
    return number_in<pid_t>(fmt::format("/proc/{}/status", thread), "Tgid:", 10);
}

sys::Fd socket_of(pid_t process, int descriptor) {
    const sys::Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, process, 0U)));
    sys::Fd socket;
    if (pidfd)
        socket.reset(static_cast<int>(::syscall(SYS_pidfd_getfd, pidfd.get(), descriptor, 0U)));
    if (!socket && sys::is_shortage(errno))
        throw Shortage{errno};
    return socket;
}

// FD_CLOEXEC belongs to the descriptor, not to what it refers to.
bool closes_on_exec(pid_t process, int descriptor) {
    const auto flags =
        number_in<unsigned>(fmt::format("/proc/{}/fdinfo/{}", process, descriptor), "flags:", 8);
    return !flags || (*flags & O_CLOEXEC) != 0;
}

// Gives the length of what is in `name`.
std::optional<socklen_t> name_in(pid_t thread, const seccomp_data& call, sockaddr_storage& name) {
    const auto length = static_cast<unsigned>(call.args[2]);
    if (length > sizeof name)
        return std::nullopt; // the kernel refuses it
    const iovec here{&name, length};
    const iovec there{reinterpret_cast<void*>(call.args[1]), here.iov_len};
    if (::process_vm_readv(thread, &here, 1, &there, 1, 0) != static_cast<ssize_t>(here.iov_len))
        return std::nullopt;
    return length;
}

// Absolute; empty for one without a name in the file system.
sys::Path path_in(pid_t process, const sockaddr_storage& name, socklen_t length) {
    constexpr std::size_t start = offsetof(sockaddr_un, sun_path);
    const std::string_view bytes(reinterpret_cast<const char*>(&name), length);
    sys::Path path(bytes.size() > start ? bytes.substr(start, bytes.find('\0', start) - start)
                                        : "");
    if (path.empty() || path.is_absolute())
        return path;
    const auto folder = sys::link_target(fmt::format("/proc/{}/cwd", process));
    return folder ? (*folder / path).lexically_normal() : sys::Path();
}

std::optional<TcpAddress> address_in(const sockaddr_storage& name, socklen_t length, int socket) {
    auto address = TcpAddress::from(name, length);
    int v6_only = 0;
    socklen_t size = sizeof v6_only;
    if (address && address->family == AF_INET6 &&
        ::getsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, &size) == 0)
        address->v6_only = v6_only != 0;
    int device = 0;
    size = sizeof device;
    if (address && ::getsockopt(socket, SOL_SOCKET, SO_BINDTOIFINDEX, &device, &size) == 0)
        address->device = static_cast<unsigned>(device);
    return address;
}

bool is_ours(int socket) {
    int type = 0;
    int domain = 0;
    int protocol = 0;
    socklen_t size = sizeof type;
    return ::getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
           ::getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 &&
           ::getsockopt(socket, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == 0 &&
           type == SOCK_STREAM &&
           (domain == AF_UNIX || ((domain == AF_INET || domain == AF_INET6) &&
                                  (protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP)));
}

// What the notification is about; nothing for what is none of ours.
std::optional<BindCall> call_of(const seccomp_notif& notification) {
    BindCall call;
    const auto process = process_of(static_cast<pid_t>(notification.pid));
    if (!process)
        return std::nullopt;
    call.process = *process;
    call.descriptor = static_cast<int>(notification.data.args[0]);
    call.what = notification.data.nr == SYS_listen    ? BindCall::What::listen
                : notification.data.nr == SYS_connect ? BindCall::What::connect
                                                      : BindCall::What::bind;
    call.socket = socket_of(call.process, call.descriptor);
    if (!call.socket || !is_ours(call.socket.get()))
        return std::nullopt;
    if (call.what == BindCall::What::listen)
        return call;
    sockaddr_storage name{};
    const auto length = name_in(static_cast<pid_t>(notification.pid), notification.data, name);
    if (!length)
        return std::nullopt;
    if (name.ss_family == AF_UNIX)
        call.path = path_in(call.process, name, *length);
    else if (const auto address = address_in(name, *length, call.socket.get()))
        call.address = *address;
    else
        return std::nullopt;
    call.closes_on_exec = closes_on_exec(call.process, call.descriptor);
    return call;
}

// Each of seccomp's requests waits for a lock or for the caller, and a signal of ours, such as that
// of a child's end, cuts it short before it has done anything (kernel/seccomp.c).
template <class Argument>
int request(int notifications, unsigned long what, Argument& argument) {
    int result = 0;
    do
        result = ::ioctl(notifications, what, &argument);
    while (result < 0 && errno == EINTR);
    return result;
}

void reply(int notifications, const seccomp_notif& notification, const BindAnswer& answer) {
    seccomp_notif_resp response{};
    response.id = notification.id;
    switch (answer.kind) {
    case BindAnswer::Kind::go_on:
        response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
        break;
    case BindAnswer::Kind::done:
    case BindAnswer::Kind::replace:
        break;
    case BindAnswer::Kind::fail:
        response.error = -answer.value;
        break;
    }
    // Fails if the caller was killed meanwhile.
    (void)request(notifications, SECCOMP_IOCTL_NOTIF_SEND, response);
}

// Puts a descriptor of ours in the place of the caller's; gives 0 or errno.
int put(int notifications, const seccomp_notif& notification, const BindCall& call, int ours) {
    seccomp_notif_addfd place{};
    place.id = notification.id;
    place.flags = SECCOMP_ADDFD_FLAG_SETFD;
    place.srcfd = static_cast<unsigned>(ours);
    place.newfd = static_cast<unsigned>(call.descriptor);
    place.newfd_flags = call.closes_on_exec ? O_CLOEXEC : 0;
    return request(notifications, SECCOMP_IOCTL_NOTIF_ADDFD, place) < 0 ? errno : 0;
}

// The same, also for the epolls that the caller has put its own into.
int replace(int notifications, const seccomp_notif& notification, BindCall& call, int ours) {
    const Epolls epolls(call.process, call.descriptor, call.socket.get());
    if (const int error = put(notifications, notification, call, ours))
        return error;
    if (const int error = epolls.watch(ours)) {
        (void)put(notifications, notification, call, call.socket.get());
        return error;
    }
    call.socket.reset(); // before the caller goes on: until then they watch that one, too
    return 0;
}

} // namespace

int install_filter(Reported reported) noexcept {
    constexpr unsigned none = ~0U;
    const bool binds = reported != Reported::connects;
    const unsigned plain = binds ? SYS_listen : none;
    const unsigned with_address = binds ? SYS_bind : SYS_connect;
    // Names of Unix sockets may be shorter. What is longer than an address may still hold one.
    const unsigned char shorter = reported == Reported::sockets ? 0 : 1;
    sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, call_filter::architecture_offset),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call_filter::architecture, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, call_filter::number_offset),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, plain, 4, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, with_address, 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, call_filter::third_offset),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, sizeof(sockaddr_in), 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, sizeof(sockaddr_nl), 1, shorter),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    if (call_filter::architecture == 0) { // nothing is reported
        errno = ENOSYS;
        return -1;
    }
    const sock_fprog program{std::size(filter), filter};
    // Killable only: a signal would otherwise make the caller begin anew what is half done.
    for (const unsigned long killable : {SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, 0UL}) {
        const long fd = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                                  SECCOMP_FILTER_FLAG_NEW_LISTENER | killable, &program);
        if (fd >= 0 || errno != EINVAL)
            return static_cast<int>(fd);
    }
    return -1;
}

BindWatch::BindWatch(Loop& loop, sys::Fd notifications, OnCall on_call, Loop::Callback on_gone)
    : m_notifications(std::move(notifications)), m_watch(loop.watch(m_notifications.get())),
      m_on_call(std::move(on_call)), m_on_gone(std::move(on_gone)) {
    listen();
}

void BindWatch::listen() {
    m_watch.when_readable([this] { take(); });
}

void BindWatch::take() {
    pollfd state{m_notifications.get(), POLLIN, 0};
    // To receive would wait for ever where nothing has come, and fail for ever once all are gone.
    if (::poll(&state, 1, 0) > 0 && (state.revents & POLLIN) == 0) {
        m_watch.cancel();
        const Loop::Callback on_gone = std::move(m_on_gone); // which may destroy this
        return on_gone();
    }
    listen();
    seccomp_notif notification{};
    if ((state.revents & POLLIN) == 0 ||
        request(m_notifications.get(), SECCOMP_IOCTL_NOTIF_RECV, notification) != 0)
        return; // the caller was killed
    std::optional<BindCall> call;
    BindAnswer answer;
    try {
        require_descriptors(m_notifications.get());
        call = call_of(notification);
        if (call &&
            request(m_notifications.get(), SECCOMP_IOCTL_NOTIF_ID_VALID, notification.id) == 0)
            answer = m_on_call(*call);
        if (answer.kind == BindAnswer::Kind::replace)
            if (const int error = replace(m_notifications.get(), notification, *call, answer.value))
                answer = {BindAnswer::Kind::fail, error};
    } catch (const Shortage& shortage) {
        answer = {BindAnswer::Kind::fail, shortage.error_number};
    } catch (const SlotError& error) {
        answer = {BindAnswer::Kind::fail, error.error_number};
    } catch (const std::exception&) { // no memory: the caller must not wait for ever
        answer = {BindAnswer::Kind::fail, ENOMEM};
    }
    reply(m_notifications.get(), notification, answer);
}

} // namespace shipit::supervise

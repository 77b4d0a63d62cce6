// Whether a program's socket can be replaced on this host: tried on a child of our own.

#include "core/base/error.hpp"
#include "core/supervise/bind_watch.hpp"
#include "core/supervise/pass_fd.hpp"
#include "core/sys/shortage.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include <fmt/core.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace shipit::supervise {

namespace {

constexpr milliseconds patience = std::chrono::seconds(2);

sockaddr_in loopback() {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return name;
}

// How the child of the trial ends: 0; an errno of the filter's; or this and an errno of bind(2)'s,
// where 0 is that its socket is still its own.
constexpr int after_filter = 128;

// Binds a socket like any program; well if it then has the listening one that its parent put there.
int try_to_bind(int to_parent) noexcept {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return errno;
    const int notifications = install_filter(Reported::binds);
    if (notifications < 0 || !send_fd(to_parent, notifications))
        return errno;
    (void)::close(notifications);
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in name = loopback();
    if (fd < 0 || ::bind(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0)
        return after_filter + errno;
    int accepts = 0;
    socklen_t size = sizeof accepts;
    const bool replaced =
        ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &size) == 0 && accepts != 0;
    return replaced ? 0 : after_filter; // we may not look into it
}

int error_in(int status) {
    return status > after_filter ? status - after_filter : status;
}

// For people, who are to see what is in the way.
std::string meaning_of(int status) {
    switch (status) {
    case EBUSY:
        return "another program's seccomp filter is in the way: that of a container, a sandbox or "
               "a tracer around shipit";
    case EINVAL:
        return "it is older than Linux 5.9";
    case ENOSYS:
        return "it has no seccomp(2), or a container around shipit hides it";
    case EPERM:
    case EACCES:
        return "a container or a sandbox around shipit forbids seccomp(2)";
    case after_filter:
        return "it is older than Linux 5.9, or forbids pidfd_getfd(2) and process_vm_readv(2)";
    default:
        return errno_text(error_in(status));
    }
}

// The process that tries it: killed, and waited for, whatever comes between.
class TrialChild {
  public:
    TrialChild() : m_pid(::fork()) {
        if (m_pid < 0)
            throw_errno("cannot fork");
    }
    ~TrialChild() {
        if (m_pid > 0)
            (void)end();
    }
    TrialChild(const TrialChild&) = delete;
    TrialChild& operator=(const TrialChild&) = delete;

    [[nodiscard]] bool is_here() const { return m_pid == 0; }
    // Its exit status; nothing if it had to be killed.
    std::optional<int> end() {
        const pid_t child = std::exchange(m_pid, 0);
        (void)::kill(child, SIGKILL);
        int status = 0;
        (void)::waitpid(child, &status, 0);
        return WIFEXITED(status) ? std::optional(WEXITSTATUS(status)) : std::nullopt;
    }

  private:
    pid_t m_pid;
};

// Answers the child's calls until it has ended, which its end of the pair tells: before Linux 6.11
// the filter has users until the child was waited for.
void answer_calls(int child, sys::Fd notifications) {
    const sys::Fd ours(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in name = loopback();
    if (!ours || ::bind(ours.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 ||
        ::listen(ours.get(), 1) != 0)
        throw_errno("cannot listen");
    Loop loop;
    const Loop::Timer end = loop.after(patience, [&loop] { loop.stop(); });
    Loop::Watch ended = loop.watch(child);
    ended.when_readable([&loop] { loop.stop(); });
    const BindWatch watch(
        loop, std::move(notifications),
        [&ours](const BindCall&) {
            return BindAnswer{BindAnswer::Kind::replace, ours.get()};
        },
        [] {});
    loop.run();
}

} // namespace

std::optional<std::string> why_no_bind_watch() {
    auto [ours, childs] = message_pair();
    TrialChild child;
    if (child.is_here()) {
        // With our end open here, what it sends would stay in the pair if we are killed, and its
        // bind(2) would wait for ever: with our lock, which it has inherited.
        ours.reset();
        ::_exit(try_to_bind(childs.get()));
    }
    childs.reset();
    char byte = 0;
    sys::Fd notifications;
    if (receive(ours.get(), &byte, sizeof byte, notifications) > 0 && notifications)
        answer_calls(ours.get(), std::move(notifications));
    const auto status = child.end();
    if (status == 0)
        return std::nullopt;
    if (const int error = error_in(status.value_or(0)); sys::is_shortage(error))
        throw_errno("cannot try whether sockets can be handed over", error);
    return fmt::format("the kernel does not let shipit hand over sockets here ({})",
                       status ? meaning_of(*status) : "no answer");
}

} // namespace shipit::supervise

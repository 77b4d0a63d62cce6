#include "core/supervise/epolls.hpp"

#include "core/base/text.hpp"
#include "core/supervise/slots.hpp"
#include "core/sys/file.hpp"
#include "core/sys/shortage.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace shipit::supervise {

namespace {

template <class Number>
bool number_behind(std::string_view name, std::string_view line, int base, Number& number) {
    const auto at = line.find(name);
    if (at == std::string_view::npos)
        return false;
    const std::string_view value = trimmed(line.substr(at + name.size()));
    return std::from_chars(value.data(), value.data() + value.size(), number, base).ec ==
           std::errc();
}

// "tfd:        5 events:       19 data: 7f00c0ffee  pos:0 ino:2a sdev:8": proc_pid_fdinfo(5).
struct WatchedFile {
    int descriptor = -1;
    std::uint32_t events = 0;
    std::uint64_t data = 0;
    ino_t inode = 0;

    [[nodiscard]] bool read(std::string_view line) {
        return line.starts_with("tfd:") && number_behind("tfd:", line, 10, descriptor) &&
               number_behind("events:", line, 16, events) &&
               number_behind("data:", line, 16, data) && number_behind(" ino:", line, 16, inode);
    }
};

void leave_room_for(int descriptor) noexcept {
    rlimit limit{};
    const auto needed = static_cast<rlim_t>(descriptor) + 1;
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed)
        return;
    limit.rlim_cur = needed;
    limit.rlim_max = std::max(limit.rlim_max, needed);
    (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

// What an epoll watches under that number, as long as it is that file.
std::vector<WatchedFile> watched_in(const sys::Path& info, int descriptor, ino_t inode) {
    constexpr std::uint64_t longest = 16 << 20;
    const std::string text = sys::read_file_if_any(info, longest).value_or("");
    std::vector<WatchedFile> all;
    for (const std::string_view line : split(text, '\n'))
        if (WatchedFile watched;
            watched.read(line) && watched.descriptor == descriptor && watched.inode == inode)
            all.push_back(watched);
    return all;
}

// Nothing where it was closed just now.
sys::Fd epoll_of(pid_t process, int descriptor) {
    const sys::Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, process, 0U)));
    sys::Fd epoll(static_cast<int>(::syscall(SYS_pidfd_getfd, pidfd.get(), descriptor, 0U)));
    if (!epoll && sys::is_shortage(errno))
        throw SlotError{errno};
    return epoll;
}

} // namespace

Epolls::Epolls(pid_t process, int descriptor, int socket) : m_descriptor(descriptor) {
    struct stat facts {};
    if (::fstat(socket, &facts) != 0)
        return;
    const sys::Path proc = fmt::format("/proc/{}", process);
    for (const std::string& name : sys::names_in(proc / "fd")) {
        if (sys::link_target(proc / "fd" / name) != "anon_inode:[eventpoll]")
            continue;
        for (const WatchedFile& watched :
             watched_in(proc / "fdinfo" / name, descriptor, facts.st_ino))
            if (sys::Fd epoll = epoll_of(process, std::stoi(name)))
                m_all.push_back({std::move(epoll), watched.events, watched.data});
    }
}

int Epolls::watch(int slot) const {
    if (m_all.empty())
        return 0;
    const pid_t child = ::fork(); // since that number may be another's here
    if (child < 0)
        return errno;
    if (child == 0)
        ::_exit(add_all(slot));
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : ECANCELED;
}

// In the child, whose descriptors are its own.
int Epolls::add_all(int slot) const noexcept {
    leave_room_for(m_descriptor);
    const int moved = ::fcntl(m_descriptor, F_DUPFD_CLOEXEC, 0); // it may be one of the epolls here
    if (::dup2(slot, m_descriptor) < 0)
        return errno;
    for (const Watching& each : m_all) {
        epoll_event event{};
        event.events = each.events;
        event.data.u64 = each.data;
        const int epoll = each.epoll.get() == m_descriptor ? moved : each.epoll.get();
        // There already: the process has the epoll under several numbers.
        if (::epoll_ctl(epoll, EPOLL_CTL_ADD, m_descriptor, &event) != 0 && errno != EEXIST)
            return errno;
    }
    return 0;
}

} // namespace shipit::supervise

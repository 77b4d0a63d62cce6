#include "core/sys/folder_watch.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <cerrno>
#include <cstring>

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace shipit::sys {

FolderWatch::FolderWatch(const Path& folder)
    : m_inotify(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
    constexpr std::uint32_t changes = IN_MODIFY | IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_FROM |
                                      IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF |
                                      IN_ONLYDIR;
    if (m_inotify && ::inotify_add_watch(m_inotify.get(), folder.c_str(), changes) >= 0)
        return;
    if (errno == ENOSPC) // inotify_add_watch(2): not of the disk
        throw Error("cannot watch '" + printable(folder.string()) + "': no watches are left")
            .advise("raise fs.inotify.max_user_watches, see sysctl(8)");
    throw_errno("cannot watch '" + printable(folder.string()) + "'");
}

bool FolderWatch::wait(std::optional<std::chrono::milliseconds> patience, int output) {
    pollfd wishes[] = {{m_inotify.get(), POLLIN, 0}, {output, 0, 0}}; // hang-ups come unasked
    constexpr int for_ever = -1;
    if (::poll(wishes, 2, patience ? static_cast<int>(patience->count()) : for_ever) <= 0)
        return true;
    take_events();
    return (wishes[1].revents & (POLLERR | POLLHUP)) == 0;
}

void FolderWatch::take_events() {
    alignas(inotify_event) char events[4096];
    for (;;) {
        const ssize_t count = ::read(m_inotify.get(), events, sizeof events);
        if (count <= 0)
            return;
        for (ssize_t at = 0; at < count;) {
            inotify_event event{}; // without its name, which comes behind
            std::memcpy(&event, events + at, sizeof event);
            m_is_gone =
                m_is_gone || (event.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT)) != 0;
            at += static_cast<ssize_t>(sizeof event + event.len);
        }
    }
}

} // namespace shipit::sys

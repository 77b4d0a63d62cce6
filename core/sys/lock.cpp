#include "core/sys/lock.hpp"

#include "core/base/error.hpp"
#include "core/base/json.hpp"
#include "core/sys/clock.hpp"
#include "core/sys/interrupt.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/file.h>
#include <unistd.h>

namespace shipit::sys {

namespace {

Fd open_lock(const Path& file) {
    return open_file(file, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
}

bool try_lock(int fd, int operation, const Path& file) {
    while (::flock(fd, operation | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            return false;
        if (errno != EINTR)
            throw_errno("cannot lock '" + file.string() + "'");
    }
    return true;
}

LockHolder described_in(const std::string& content) {
    LockHolder holder{"another command", "something", WallTime{}, 0};
    try {
        const Json json = Json::parse(content);
        holder.who = json["who"].text(holder.who);
        holder.what = json["what"].text(holder.what);
        holder.pid = static_cast<int>(json["pid"].integer());
        holder.since = parse_time(json["since"].text()).value_or(WallTime{});
    } catch (const Error&) {
        // Half-written by a holder that has only just taken the lock: it is held all the same.
    }
    return holder;
}

LockHolder read_holder(const Path& file) {
    return described_in(read_file_if_any(file, 4096).value_or(""));
}

// On a full disk, what makes room must get the lock: it is held all the same, by nobody who is
// named. Written before it is cut, so that the block which is there is not given away in between.
void describe(const Fd& fd, const LockHolder& self, const Path& file) {
    const Json json = Json::object({{"who", self.who},
                                    {"what", self.what},
                                    {"since", time_text(self.since)},
                                    {"pid", self.pid}});
    const std::string text = json.dump() + "\n";
    ssize_t written = -1;
    do
        written = ::pwrite(fd.get(), text.data(), text.size(), 0);
    while (written < 0 && errno == EINTR);
    if ((written < 0 && errno != ENOSPC && errno != EDQUOT) ||
        ::ftruncate(fd.get(), std::max<off_t>(written, 0)) != 0)
        throw_errno("cannot write '" + file.string() + "'");
}

} // namespace

std::string LockHolder::text(WallTime now) const {
    if (pid == 0)
        return printable(who);
    if (since == WallTime{})
        return fmt::format("{} (process {})", printable(who), pid);
    return fmt::format("{}, running '{}' since {} ({}), process {}", printable(who),
                       printable(what), time_text(since), time_ago(since, now), pid);
}

Lock::Lock(const Path& file, const LockHolder& self, std::chrono::milliseconds patience,
           const std::function<void(const LockHolder&)>& waiting, std::string_view name) {
    // flock(2) itself cannot be given a time-out without a signal, and signals belong to cmd; so
    // the lock is tried for again every 50 ms. A waiter does not see who would be next either way.
    constexpr std::chrono::milliseconds pause(50);
    const Deadline deadline(patience);
    m_fd = open_lock(file);
    for (bool told = false;;) {
        if (try_lock(m_fd.get(), LOCK_EX, file)) {
            // A folder may be removed, with the lock in it, while somebody waits for the lock.
            if (is_by_that_name(m_fd, file))
                break;
            m_fd = open_lock(file);
            continue;
        }
        if (deadline.passed())
            throw Error(fmt::format("'{}' is locked by {}",
                                    name.empty() ? printable(file.string()) : std::string(name),
                                    read_holder(file).text(now())),
                        Outcome::locked)
                .advise("wait for it with --wait, or see 'shipit status'");
        if (!std::exchange(told, true) && waiting)
            waiting(read_holder(file));
        stop_if_interrupted();
        (void)::poll(nullptr, 0, static_cast<int>(std::min(pause, deadline.left()).count()));
    }
    describe(m_fd, self, file);
}

std::optional<LockHolder> Lock::holder(const Path& file) {
    if (!is_there(file))
        return std::nullopt;
    const Fd fd = open_file(file, O_RDONLY | O_NOFOLLOW);
    if (try_lock(fd.get(), LOCK_SH, file)) // released when fd closes
        return std::nullopt;
    return read_holder(file);
}

} // namespace shipit::sys

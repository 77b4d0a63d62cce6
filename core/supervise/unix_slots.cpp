#include "core/supervise/unix_slots.hpp"

#include "core/base/error.hpp"
#include "core/supervise/socket_path.hpp"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace shipit::supervise {

namespace {

std::string own_name(const Path& socket, Side side) {
    return fmt::format(".{}.{}", socket.filename().string(), name_of(side));
}

// Clients pass through the folder; what else is in it is none of their business.
void open_folder(const Path& folder) {
    constexpr mode_t pass = S_IXUSR | S_IXGRP | S_IXOTH;
    sys::make_folders(folder, S_IRWXU | pass);
    struct stat facts {};
    if (::stat(folder.c_str(), &facts) != 0 ||
        ((facts.st_mode & pass) != pass &&
         ::chmod(folder.c_str(), (facts.st_mode & ALLPERMS) | pass) != 0))
        throw_errno(fmt::format("cannot let clients into '{}'", folder.string()));
}

// What has this name itself. Throws Error.
sys::Fd opened(const Path& name, int more_flags = 0) {
    return sys::open_file(name, O_PATH | O_NOFOLLOW | more_flags);
}

void give(const sys::Fd& fd, const Path& name, const std::optional<sys::Account>& user) {
    if (::geteuid() == 0 &&
        ::fchownat(fd.get(), "", user ? user->uid : 0, user ? user->gid : 0, AT_EMPTY_PATH) != 0)
        throw_errno(fmt::format("cannot give '{}' to the app's user", name.string()));
}

// Whoever had it may have let others in.
void allow_only_us(const sys::Fd& folder, const Path& name) {
    bool is_done = sys::set_mode(folder, 0755);
    const std::string itself = "/proc/self/fd/" + std::to_string(folder.get());
    for (const char* list : {"system.posix_acl_access", "system.posix_acl_default"})
        is_done = is_done && (::removexattr(itself.c_str(), list) == 0 || errno == ENODATA ||
                              errno == ENOTSUP);
    if (!is_done)
        throw_errno(fmt::format("cannot take '{}' back from the app", name.string()));
}

// The folder of a side, which is ours alone until it is given to the app's user: nobody changes
// names in it meanwhile.
Path own_folder(const Path& socket, Side side) {
    open_folder(socket.parent_path());
    Path name = told_name(socket, side).parent_path();
    struct stat facts {};
    if ((::mkdir(name.c_str(), 0755) != 0 && errno != EEXIST) || ::lstat(name.c_str(), &facts) != 0)
        throw_errno(fmt::format("cannot make '{}'", name.string()));
    if (!S_ISDIR(facts.st_mode))
        throw Error(fmt::format("'{}' is in the way", name.string()));
    const sys::Fd folder = opened(name, O_DIRECTORY);
    give(folder, name, std::nullopt);
    allow_only_us(folder, name);
    return name;
}

// Whatever came to stand there instead is neither given away nor opened to everybody.
sys::Fd opened_socket(const Path& name) {
    sys::Fd fd = opened(name);
    struct stat facts {};
    if (::fstat(fd.get(), &facts) != 0 || !S_ISSOCK(facts.st_mode))
        throw Error(fmt::format("'{}' is no socket", name.string()))
            .advise("stop the app and start it, which makes it anew");
    return fd;
}

void lead(const Path& link, const std::string& target) {
    if (sys::link_target(link) == target)
        return;
    // Not durable: no socket outlives the host's end.
    const Path next = link.parent_path() / ("." + link.filename().string() + ".new");
    (void)::unlink(next.c_str());
    if (::symlink(target.c_str(), next.c_str()) != 0 || ::rename(next.c_str(), link.c_str()) != 0)
        throw_errno(fmt::format("cannot lead '{}' to '{}'", link.string(), target));
}

} // namespace

Path told_name(const Path& socket, Side side) {
    return socket.parent_path() / name_of(side) / socket.filename();
}

void make_way(const Path& socket, Side side, const std::optional<sys::Account>& user) {
    const Path folder = own_folder(socket, side);
    (void)::unlink(told_name(socket, side).c_str()); // a killed program's
    give(opened(folder, O_DIRECTORY), folder, user);
    lead(socket, told_name(socket, side).lexically_relative(socket.parent_path()).string());
}

UnixSlots::UnixSlots(Path socket, std::vector<Kept> kept) : m_path(std::move(socket)) {
    for (Kept& each : kept)
        m_sockets[at(each.side)] = std::move(each.socket);
    for (const Side side : sides)
        if (!m_sockets[at(side)])
            make(side);
}

void UnixSlots::make(Side side) {
    (void)own_folder(m_path, side);
    const Path told = told_name(m_path, side);
    const Path own = entrance(side);
    m_sockets[at(side)] = bound_at(told, everybody);
    (void)::unlink(own.c_str());
    if (::link(told.c_str(), own.c_str()) != 0)
        throw_errno(fmt::format("cannot make '{}'", own.string()));
    hide(side);
    if (::listen(socket(side), slot_backlog) != 0)
        throw_errno(fmt::format("cannot listen on '{}'", own.string()));
}

ino_t UnixSlots::inode(Side side) const {
    struct stat facts {};
    return ::fstat(socket(side), &facts) == 0 ? facts.st_ino : 0;
}

Path UnixSlots::entrance(Side side) const {
    return m_path.parent_path() / own_name(m_path, side);
}

bool UnixSlots::has_waiting(Side side) const {
    pollfd state{socket(side), POLLIN, 0};
    return ::poll(&state, 1, 0) > 0 && (state.revents & POLLIN) != 0;
}

void UnixSlots::go_live(Side side) const {
    lead(m_path, own_name(m_path, side));
}

void UnixSlots::give_names(Side side, const std::optional<sys::Account>& user) const {
    const Path own = entrance(side);
    const Path folder = told_name(m_path, side).parent_path();
    give(opened_socket(own), own, user);
    give(opened(folder, O_DIRECTORY), folder, user);
}

void UnixSlots::renew_names(Side side) const {
    hide(side);
    const Path own = entrance(side);
    if (!sys::set_mode(opened_socket(own), everybody))
        throw_errno(fmt::format("cannot let clients into '{}'", own.string()));
}

void UnixSlots::show(Side side) const {
    hide(side);
    (void)::link(entrance(side).c_str(), told_name(m_path, side).c_str());
}

void UnixSlots::hide(Side side) const {
    (void)::unlink(told_name(m_path, side).c_str());
}

void UnixSlots::carry_over(int from, Side side, Sharers sharers) const {
    carry_nonblock(from, socket(side), sharers);
}

void UnixSlots::remove() const {
    (void)::unlink(m_path.c_str());
    for (const Side side : sides) {
        hide(side);
        (void)::unlink(entrance(side).c_str());
    }
}

} // namespace shipit::supervise

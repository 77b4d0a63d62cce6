#include "core/supervise/port.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/supervise/listeners.hpp"
#include "core/sys/file.hpp"
#include "core/sys/process.hpp"

#include <cerrno>
#include <charconv>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

namespace shipit::supervise {

namespace {

std::optional<pid_t> pid_from(const std::string& text) {
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(pid)
                                                                    : std::nullopt;
}

std::string command_name(const std::string& pid) {
    try {
        return std::string(trimmed(sys::read_file("/proc/" + pid + "/comm", 64)));
    } catch (const Error&) {
        return {};
    }
}

bool is_zombie(pid_t process) {
    constexpr std::uint64_t longest = 4096;
    const std::string stat =
        sys::read_file_if_any(fmt::format("/proc/{}/stat", process), longest).value_or("");
    const auto end_of_command = stat.rfind(')');
    return end_of_command == std::string::npos || stat.substr(end_of_command, 3) == ") Z";
}

bool leads_to(int folder, const char* name, const std::string& wanted) {
    char target[64];
    const ssize_t size = ::readlinkat(folder, name, target, sizeof target);
    return size > 0 && std::string_view(target, static_cast<std::size_t>(size)) == wanted;
}

enum class Has { no, yes, unknown };

Has look_into(pid_t process, const std::string& wanted, SocketHolder& holder) {
    const std::string path = fmt::format("/proc/{}/fd", process);
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(path.c_str()), &::closedir);
    if (!folder)
        return errno == ENOENT || is_zombie(process) ? Has::no : Has::unknown;
    while (const dirent* entry = ::readdir(folder.get()))
        if (leads_to(::dirfd(folder.get()), entry->d_name, wanted)) {
            holder = {process, entry->d_name};
            return Has::yes;
        }
    return Has::no;
}

} // namespace

std::set<std::string> sockets_of(pid_t process) {
    std::set<std::string> inodes;
    try {
        const sys::Path folder = fmt::format("/proc/{}/fd", process);
        for (const std::string& fd : sys::names_in(folder)) {
            const std::string target = sys::link_target(folder / fd).value_or("");
            if (target.rfind("socket:[", 0) == 0)
                inodes.insert(target.substr(8, target.size() - 9));
        }
    } catch (const Error&) { // ended, or another user's
    }
    return inodes;
}

std::string PortHolder::text() const {
    if (pid == 0)
        return "a process of another user";
    return fmt::format("process {} ({})", pid, printable(name));
}

std::optional<PortHolder> holder_of(std::uint16_t port) {
    std::set<std::string> wanted;
    for (const auto& [inode, number] : listeners())
        if (number == port)
            wanted.insert(inode);
    if (wanted.empty())
        return std::nullopt;
    for (const std::string& pid : sys::names_in("/proc")) {
        const auto number = pid_from(pid);
        if (!number)
            continue;
        for (const std::string& inode : sockets_of(*number))
            if (wanted.count(inode) != 0)
                return PortHolder{*number, command_name(pid)};
    }
    return PortHolder{};
}

bool is_open_elsewhere(ino_t socket) {
    const std::string inode = std::to_string(socket);
    for (const std::string& name : sys::names_in("/proc"))
        if (const auto pid = pid_from(name);
            pid && *pid != ::getpid() && sockets_of(*pid).contains(inode))
            return true;
    return false;
}

std::vector<std::uint16_t> ports_of(const std::vector<pid_t>& pids) {
    const Listeners sockets = listeners();
    std::set<std::uint16_t> ports;
    for (const pid_t pid : pids)
        for (const std::string& inode : sockets_of(pid))
            if (const auto found = sockets.find(inode); found != sockets.end())
                ports.insert(found->second);
    return {ports.begin(), ports.end()};
}

bool is_held(ino_t inode, SocketHolder& last) {
    const std::string wanted = fmt::format("socket:[{}]", inode);
    if (last.process != 0 &&
        leads_to(AT_FDCWD, fmt::format("/proc/{}/fd/{}", last.process, last.descriptor).c_str(),
                 wanted))
        return true;
    try {
        for (const pid_t process : sys::descendants_of(::getpid()))
            if (look_into(process, wanted, last) != Has::no)
                return true;
        // What an earlier supervisor started may have come to another one than us.
        for (const std::string& name : sys::names_in("/proc")) {
            const auto process = pid_from(name);
            if (process && *process != ::getpid() && look_into(*process, wanted, last) == Has::yes)
                return true;
        }
    } catch (const Error&) { // for want of descriptors, say
        return true;
    }
    return false;
}

} // namespace shipit::supervise

#include "core/supervise/port.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/supervise/listeners.hpp"
#include "core/sys/file.hpp"

#include <charconv>

#include <fmt/core.h>

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

std::vector<std::uint16_t> ports_of(const std::vector<pid_t>& pids) {
    const Listeners sockets = listeners();
    std::set<std::uint16_t> ports;
    for (const pid_t pid : pids)
        for (const std::string& inode : sockets_of(pid))
            if (const auto found = sockets.find(inode); found != sockets.end())
                ports.insert(found->second);
    return {ports.begin(), ports.end()};
}

} // namespace shipit::supervise

#include "core/supervise/port.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/sys/file.hpp"

#include <charconv>
#include <map>
#include <set>

#include <fmt/core.h>

namespace shipit::supervise {

namespace {

constexpr std::string_view state_listen = "0A";
constexpr std::uint64_t longest_table = 64 << 20;

using Sockets = std::map<std::string, std::uint16_t>; // inode to port

template <class Number>
std::optional<Number> parsed(std::string_view text, int base) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    if (error != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return number;
}

// "  0: 0100007F:1F40 00000000:0000 0A … uid timeout inode …"
void add_listening(const std::string& table, Sockets& sockets) {
    constexpr std::size_t address_field = 1;
    constexpr std::size_t state_field = 3;
    constexpr std::size_t inode_field = 9;
    for (const std::string_view line : split(table, '\n')) {
        std::vector<std::string_view> fields;
        for (const std::string_view field : split(line, ' '))
            if (!field.empty())
                fields.push_back(field);
        if (fields.size() <= inode_field || fields[state_field] != state_listen)
            continue;
        const std::string_view address = fields[address_field];
        const auto port = parsed<std::uint16_t>(address.substr(address.rfind(':') + 1), 16);
        if (port)
            sockets.emplace(fields[inode_field], *port);
    }
}

Sockets listening_sockets() {
    Sockets sockets;
    for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"})
        add_listening(sys::read_file_if_any(table, longest_table).value_or(""), sockets);
    return sockets;
}

// The inodes of the sockets that a process holds; none where we may not look.
std::set<std::string> sockets_of(const std::string& pid) {
    std::set<std::string> inodes;
    try {
        const sys::Path folder = "/proc/" + pid + "/fd";
        for (const std::string& fd : sys::names_in(folder)) {
            const std::string target = sys::link_target(folder / fd).value_or("");
            if (target.rfind("socket:[", 0) == 0)
                inodes.insert(target.substr(8, target.size() - 9));
        }
    } catch (const Error&) { // ended, or another user's
    }
    return inodes;
}

std::string command_name(const std::string& pid) {
    try {
        return std::string(trimmed(sys::read_file("/proc/" + pid + "/comm", 64)));
    } catch (const Error&) {
        return {};
    }
}

} // namespace

std::string PortHolder::text() const {
    if (pid == 0)
        return "a process of another user";
    return fmt::format("process {} ({})", pid, printable(name));
}

std::optional<PortHolder> holder_of(std::uint16_t port) {
    std::set<std::string> wanted;
    for (const auto& [inode, number] : listening_sockets())
        if (number == port)
            wanted.insert(inode);
    if (wanted.empty())
        return std::nullopt;
    for (const std::string& pid : sys::names_in("/proc")) {
        const auto number = parsed<pid_t>(pid, 10);
        if (!number)
            continue;
        for (const std::string& inode : sockets_of(pid))
            if (wanted.count(inode) != 0)
                return PortHolder{*number, command_name(pid)};
    }
    return PortHolder{};
}

std::vector<std::uint16_t> ports_of(const std::vector<pid_t>& pids) {
    const Sockets sockets = listening_sockets();
    std::set<std::uint16_t> ports;
    for (const pid_t pid : pids)
        for (const std::string& inode : sockets_of(std::to_string(pid)))
            if (const auto found = sockets.find(inode); found != sockets.end())
                ports.insert(found->second);
    return {ports.begin(), ports.end()};
}

} // namespace shipit::supervise

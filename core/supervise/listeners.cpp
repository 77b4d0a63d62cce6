#include "core/supervise/listeners.hpp"

#include "core/base/text.hpp"
#include "core/supervise/sock_diag.hpp"
#include "core/sys/file.hpp"

#include <charconv>
#include <optional>
#include <vector>

#include <arpa/inet.h>
#include <sys/socket.h>

namespace shipit::supervise {

namespace {

// False if it cannot be asked.
bool add_by_diag(std::uint8_t family, Listeners& found) {
    return ask_for_sockets(
        {family, bit_of(TcpState::listen)}, [&](const inet_diag_msg& socket, std::string_view) {
            found.emplace(std::to_string(socket.idiag_inode), ntohs(socket.id.idiag_sport));
        });
}

// --- /proc/net ---

std::optional<std::uint16_t> port_from(std::string_view hex) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(hex.data(), hex.data() + hex.size(), port, 16);
    return error == std::errc() && end == hex.data() + hex.size() ? std::optional(port)
                                                                  : std::nullopt;
}

// "  0: 0100007F:1F40 00000000:0000 0A … uid timeout inode …"
void add_listening(const std::string& table, Listeners& sockets) {
    constexpr std::string_view state_listen = "0A";
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
        const auto port = port_from(address.substr(address.rfind(':') + 1));
        if (port)
            sockets.emplace(fields[inode_field], *port);
    }
}

void add_by_table(const char* table, Listeners& found) {
    constexpr std::uint64_t longest = 64 << 20;
    add_listening(sys::read_file_if_any(table, longest).value_or(""), found);
}

} // namespace

Listeners listeners() {
    Listeners found;
    if (!add_by_diag(AF_INET, found))
        add_by_table("/proc/net/tcp", found);
    if (!add_by_diag(AF_INET6, found))
        add_by_table("/proc/net/tcp6", found);
    return found;
}

} // namespace shipit::supervise

// What the supervisor is told to run: one generation, the programs of one release.
#pragma once

#include "core/base/ids.hpp"
#include "core/base/json.hpp"
#include "core/base/spec.hpp"
#include "core/supervise/become.hpp"
#include "core/supervise/tcp_address.hpp"

#include <csignal>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace shipit::supervise {

struct Program {
    std::string name; // "web.1"
    std::string type; // "web"
    std::string command;
    Environment environment; // the whole of it
    Path folder;             // a real path, not through `current`
    std::optional<sys::Account> user;
    int stop_signal = SIGTERM;
    milliseconds stop_timeout = std::chrono::seconds(30);
    bool overlaps = false; // may run beside the one that it replaces
    // Where it is given listening sockets, as LISTEN_FDS, in this order; of its generation's ports.
    std::vector<TcpAddress> sockets{};
    // The Unix socket of its generation, which it is to bind: told in SHIPIT_SOCKET. Empty: none.
    Path socket{};
    bool is_given_socket = false; // it is started with it, before `sockets`
    bool notify = false;          // is ready when it says so: READY=1 (sd_notify(3))
    milliseconds watchdog{0};     // silent for so long, it hangs: WATCHDOG=1; 0: it need not speak

    [[nodiscard]] bool speaks() const { return notify || watchdog.count() > 0; }
    // Whether it would run exactly as the other, but for the number of the release.
    [[nodiscard]] bool runs_as(const Program& other) const;
};

struct Generation {
    ReleaseNumber release;
    std::vector<Program> programs;
    Health health;
    std::optional<std::uint16_t> port;  // PORT; what its health is asked on
    std::vector<std::uint16_t> ports{}; // others that its programs may be handed
    Path socket{};                      // a Unix socket; then its health is asked there
    // How long it keeps the one before it warm, once it is live itself.
    milliseconds warm = std::chrono::seconds(10);
    bool hands_over = true; // false: the old one stops before the new one starts

    // The program whose health is asked: the first of type web, else the first; none if there are
    // none.
    [[nodiscard]] const Program* face() const;
    // Whether it is meant to listen: it has a port or a socket, and a program of type web.
    [[nodiscard]] bool listens() const;
    // Where: "port 8000", "'/…/run/web.sock'".
    [[nodiscard]] std::string place() const;
    // All of its ports.
    [[nodiscard]] std::vector<std::uint16_t> all_ports() const;
    // Those that only processes of type web may have, if there are any: what its health is asked
    // on, and what they are given sockets of.
    [[nodiscard]] std::vector<std::uint16_t> web_ports() const;
    // Whether its programs run as the other's, on the same ports and socket.
    [[nodiscard]] bool runs_as(const Generation& other) const;
};

// Through the control socket, byte for byte. Secret: holds config vars.
[[nodiscard]] Json to_json(const Generation& generation);
// Throws Error (usage) that says what is missing or wrong.
[[nodiscard]] Generation generation_from(const Json& json);

// "TERM", "SIGTERM", "int" -> the signal; nothing for other text.
[[nodiscard]] std::optional<int> signal_from(std::string_view name);

} // namespace shipit::supervise

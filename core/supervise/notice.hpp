// What a process says of itself in one datagram: lines of NAME=VALUE (sd_notify(3)).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace shipit::supervise {

constexpr std::size_t longest_notice = 4096; // as systemd has it; longer ones are not looked at

struct Notice {
    bool ready = false;                               // READY=1
    bool alive = false;                               // WATCHDOG=1
    bool hung = false;                                // WATCHDOG=trigger
    std::optional<std::string> status = std::nullopt; // STATUS=…, printable and cut

    bool operator==(const Notice&) const = default;
};

// Total: whatever the bytes are. Lines that say something else are passed over.
[[nodiscard]] Notice notice_from(std::string_view datagram);

} // namespace shipit::supervise

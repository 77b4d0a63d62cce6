#include "core/supervise/notice.hpp"

#include "core/base/text.hpp"

#include <algorithm>

namespace shipit::supervise {

namespace {

constexpr std::string_view status_name = "STATUS=";
constexpr std::size_t longest_status = 200; // it is shown in a line

std::string cut(std::string_view status) {
    std::size_t end = std::min(status.size(), longest_status);
    while (end < status.size() && end > 0 && // not within a character
           (static_cast<unsigned char>(status[end]) & 0xc0U) == 0x80U)
        --end;
    return printable(status.substr(0, end));
}

} // namespace

Notice notice_from(std::string_view datagram) {
    Notice notice;
    for (const std::string_view line : split(datagram, '\n')) {
        notice.ready = notice.ready || line == "READY=1";
        notice.alive = notice.alive || line == "WATCHDOG=1";
        notice.hung = notice.hung || line == "WATCHDOG=trigger";
        if (line.starts_with(status_name))
            notice.status = cut(line.substr(status_name.size()));
    }
    return notice;
}

} // namespace shipit::supervise

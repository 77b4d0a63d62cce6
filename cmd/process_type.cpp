#include "cmd/process_type.hpp"

#include "core/base/text.hpp"

#include <fmt/core.h>

namespace shipit::cmd {

std::string process_text(const ProcessType& type) {
    const ProcessType usual;
    std::string text = fmt::format("{} ({}", printable(type.command), type.count);
    if (type.overlap)
        text += ", overlap";
    if (type.notify)
        text += ", notify";
    if (type.watchdog != usual.watchdog)
        text += ", watchdog " + duration_text(type.watchdog);
    if (type.stop_signal != usual.stop_signal)
        text += ", stop signal " + type.stop_signal;
    if (type.stop_timeout != usual.stop_timeout)
        text += ", stop timeout " + duration_text(type.stop_timeout);
    return text + ")";
}

Json json_of(const ProcessType& type) {
    return Json::object({{"command", type.command},
                         {"count", type.count},
                         {"overlap", type.overlap},
                         {"notify", type.notify},
                         {"watchdog_ms", std::int64_t{type.watchdog.count()}},
                         {"stop_signal", type.stop_signal},
                         {"stop_timeout_ms", std::int64_t{type.stop_timeout.count()}}});
}

} // namespace shipit::cmd

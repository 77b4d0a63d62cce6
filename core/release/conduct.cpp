#include "core/release/conduct.hpp"

#include "core/base/error.hpp"

#include <algorithm>

namespace shipit::release {

namespace {

constexpr std::size_t most_exits = 10;
constexpr std::size_t most_bytes = 8 << 10; // of the last lines

Conduct::Exit exit_from(const Json& json) {
    return {parse_time(json["at"].text()).value_or(WallTime{}), json["process"].text(),
            json["how"].text()};
}

std::uint64_t count_from(const Json& json) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, json.integer()));
}

} // namespace

void Conduct::add_exit(Exit exit) {
    ++exits;
    newest_exits.push_back(std::move(exit));
    if (newest_exits.size() > most_exits)
        newest_exits.erase(newest_exits.begin());
}

void Conduct::add_failed_check(const std::string& why) {
    ++failed_checks;
    last_check = why;
}

// The newest that fit, and whole ones.
void Conduct::add_lines(const std::string& lines) {
    last_lines = lines;
    if (last_lines.size() <= most_bytes)
        return;
    const auto first = last_lines.find('\n', last_lines.size() - most_bytes);
    last_lines.erase(0, first == std::string::npos ? last_lines.size() - most_bytes : first + 1);
}

Json json_of(const Conduct& conduct) {
    Json exits = Json::array();
    for (const Conduct::Exit& exit : conduct.newest_exits)
        exits.push_back(Json::object(
            {{"at", time_text(exit.at)}, {"process", exit.process}, {"how", exit.how}}));
    return Json::object({{"exits", conduct.exits},
                         {"newest_exits", exits},
                         {"failed_checks", conduct.failed_checks},
                         {"last_check", conduct.last_check},
                         {"peak_memory", conduct.peak_memory},
                         {"last_lines", conduct.last_lines}});
}

Conduct read_conduct(const sys::Path& file) {
    Conduct conduct;
    try {
        const auto text = sys::read_file_if_any(file);
        if (!text)
            return conduct;
        const Json json = Json::parse(*text);
        conduct.exits = count_from(json["exits"]);
        for (const Json& exit : json["newest_exits"].items())
            conduct.newest_exits.push_back(exit_from(exit));
        conduct.failed_checks = count_from(json["failed_checks"]);
        conduct.last_check = json["last_check"].text();
        conduct.peak_memory = count_from(json["peak_memory"]);
        conduct.last_lines = json["last_lines"].text();
    } catch (const Error&) {
        return {};
    }
    return conduct;
}

void write_conduct(const sys::Path& file, const Conduct& conduct) {
    constexpr mode_t private_file = 0600; // programs may write anything
    sys::replace(file, json_of(conduct).dump() + "\n", private_file);
}

} // namespace shipit::release

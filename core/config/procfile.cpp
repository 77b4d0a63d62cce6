#include "core/config/procfile.hpp"

#include "core/base/error.hpp"
#include "core/base/rules.hpp"
#include "core/base/text.hpp"

#include <algorithm>

#include <fmt/core.h>

namespace shipit::config {

namespace {

constexpr std::size_t largest_procfile = 256 << 10;
constexpr std::string_view utf8_mark = "\xef\xbb\xbf"; // editors on Windows begin a file with it

[[noreturn]] void refuse(const std::string& file, std::size_t line, const std::string& why) {
    throw Error(fmt::format("{}:{}: {}", file, line, why), Outcome::usage)
        .advise("a line is 'name: command'; see shipit.toml(5)");
}

ProcfileEntry parse_line(std::string_view line, const std::string& file, std::size_t number) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos)
        refuse(file, number, fmt::format("'{}' is not 'name: command'", printable(line)));
    const auto name = line.substr(0, colon);
    if (!is_process_name(name))
        refuse(file, number,
               fmt::format("'{}' is not a name for a process type (1 to 63 of A-Z, a-z, 0-9, "
                           "'-' and '_')",
                           printable(name)));
    const auto command = trimmed(line.substr(colon + 1));
    if (command.empty())
        refuse(file, number, fmt::format("'{}' has no command", name));
    if (!is_utf8(command) || command.find('\0') != std::string_view::npos)
        refuse(file, number, fmt::format("the command of '{}' is not UTF-8 text", name));
    return {std::string(name), std::string(command)};
}

} // namespace

std::vector<ProcfileEntry> parse_procfile(std::string_view text, const std::string& file) {
    if (text.size() > largest_procfile)
        throw Error(fmt::format("{}: larger than {}", file, size_text(largest_procfile)),
                    Outcome::usage);
    if (text.starts_with(utf8_mark))
        text.remove_prefix(utf8_mark.size());
    std::vector<ProcfileEntry> entries;
    std::size_t number = 0;
    for (std::string_view line : split(text, '\n')) {
        ++number;
        if (!line.empty() && line.back() == '\r')
            line.remove_suffix(1);
        if (trimmed(line).empty() || line.front() == '#')
            continue;
        auto entry = parse_line(line, file, number);
        const auto is_same = [&](const ProcfileEntry& other) { return other.name == entry.name; };
        if (std::any_of(entries.begin(), entries.end(), is_same))
            refuse(file, number, fmt::format("'{}' stands here a second time", entry.name));
        entries.push_back(std::move(entry));
    }
    return entries;
}

} // namespace shipit::config

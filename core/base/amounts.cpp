// Durations, sizes and times of text.hpp, and the guess at what was meant.
#include "core/base/text.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include <fmt/core.h>

namespace shipit {

namespace {

using std::chrono::milliseconds;

struct Unit {
    std::string_view name;
    std::int64_t value;
};

// Longest first, so that "ms" is not read as "m".
constexpr Unit duration_units[] = {{"ms", 1},        {"s", 1000},       {"m", 60'000},
                                   {"h", 3'600'000}, {"d", 86'400'000}, {"w", 604'800'000}};

// Takes a whole number off the front of `text`.
std::optional<std::int64_t> take_number(std::string_view& text) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || text.front() == '-')
        return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return number;
}

// Takes the unit off the front of `text`; a unit ends at the end or where a number begins.
std::optional<std::int64_t> take_duration_unit(std::string_view& text) {
    const std::string_view name = text.substr(0, text.find_first_of("0123456789"));
    for (const Unit& unit : duration_units)
        if (unit.name == name) {
            text.remove_prefix(name.size());
            return unit.value;
        }
    return std::nullopt;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
    // Optimal string alignment: insertions, deletions, substitutions, transpositions of neighbours.
    std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
    for (std::size_t i = 0; i <= a.size(); ++i)
        d[i][0] = i;
    for (std::size_t j = 0; j <= b.size(); ++j)
        d[0][j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i)
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t cost = a[i - 1] == b[j - 1] ? 0 : 1;
            d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + cost});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
        }
    return d[a.size()][b.size()];
}

// `count` digits at the front of `text`, then `end` (if not NUL), as a number.
std::optional<int> take_digits(std::string_view& text, std::size_t count, char end) {
    int value = 0;
    const std::size_t whole = count + (end == '\0' ? 0 : 1);
    if (text.size() < whole || (end != '\0' && text[count] != end))
        return std::nullopt;
    for (std::size_t i = 0; i < count; ++i) {
        if (text[i] < '0' || text[i] > '9')
            return std::nullopt;
        value = value * 10 + (text[i] - '0');
    }
    text.remove_prefix(whole);
    return value;
}

} // namespace

std::optional<std::string> nearest(std::string_view typed,
                                   std::span<const std::string> candidates) {
    constexpr std::size_t longest_typed = 64; // beyond that it is no typing mistake
    if (typed.empty() || typed.size() > longest_typed)
        return std::nullopt;
    std::size_t least = std::max<std::size_t>(1, typed.size() / 3) + 1;
    std::optional<std::string> result;
    for (const std::string& candidate : candidates) {
        const std::size_t distance = edit_distance(typed, candidate);
        if (distance < least) {
            least = distance;
            result = candidate;
        }
    }
    return result;
}

std::string meant_or(std::string_view typed, std::span<const std::string> candidates,
                     std::string otherwise) {
    const auto meant = nearest(typed, candidates);
    return meant ? fmt::format("did you mean '{}'?", *meant) : std::move(otherwise);
}

std::optional<milliseconds> parse_duration(std::string_view text) {
    if (text.empty())
        return std::nullopt;
    std::int64_t total = 0;
    while (!text.empty()) {
        const auto number = take_number(text);
        const auto unit = number ? take_duration_unit(text) : std::nullopt;
        std::int64_t part = 0;
        if (!unit || __builtin_mul_overflow(*number, *unit, &part) ||
            __builtin_add_overflow(total, part, &total))
            return std::nullopt;
    }
    return milliseconds(total);
}

std::string duration_text(milliseconds duration) {
    const std::int64_t count = duration.count();
    if (count == 0)
        return "0s";
    for (const Unit unit :
         {Unit{"d", 86'400'000}, Unit{"h", 3'600'000}, Unit{"m", 60'000}, Unit{"s", 1000}})
        if (count % unit.value == 0)
            return fmt::format("{}{}", count / unit.value, unit.name);
    return fmt::format("{}ms", count);
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
    const auto number = text.empty() ? std::nullopt : take_number(text);
    if (!number)
        return std::nullopt;
    std::uint64_t factor = 1;
    constexpr std::string_view letters = "KMGT";
    if (!text.empty() && letters.find(text.front()) != std::string_view::npos) {
        factor = std::uint64_t{1} << (10 * (letters.find(text.front()) + 1));
        text.remove_prefix(1);
        if (text == "B" || text == "iB")
            text = {};
    } else if (text == "B") {
        text = {};
    }
    std::uint64_t result = 0;
    if (!text.empty() ||
        __builtin_mul_overflow(static_cast<std::uint64_t>(*number), factor, &result))
        return std::nullopt;
    return result;
}

std::string size_text(std::uint64_t bytes) {
    if (bytes < 1024)
        return fmt::format("{} B", bytes);
    double value = static_cast<double>(bytes);
    const char* unit = "";
    for (const char* larger : {"KB", "MB", "GB", "TB", "PB", "EB"}) {
        value /= 1024;
        unit = larger;
        if (value < 1023.5)
            break;
    }
    return value < 9.95 ? fmt::format("{:.1f} {}", value, unit)
                        : fmt::format("{:.0f} {}", value, unit);
}

std::string time_text(WallTime time) {
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(time - day);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                       clock.subseconds().count());
}

std::optional<WallTime> parse_time(std::string_view text) {
    const auto year = take_digits(text, 4, '-');
    const auto month = year ? take_digits(text, 2, '-') : year;
    const auto day = month ? take_digits(text, 2, 'T') : month;
    const auto hour = day ? take_digits(text, 2, ':') : day;
    const auto minute = hour ? take_digits(text, 2, ':') : hour;
    const auto second = minute ? take_digits(text, 2, '\0') : minute;
    if (!second)
        return std::nullopt;
    int millis = 0;
    if (!text.empty() && text.front() == '.') {
        text.remove_prefix(1);
        const auto fraction = take_digits(text, 3, '\0');
        if (!fraction)
            return std::nullopt;
        millis = *fraction;
    }
    const std::chrono::year_month_day date{std::chrono::year(*year),
                                           std::chrono::month(static_cast<unsigned>(*month)),
                                           std::chrono::day(static_cast<unsigned>(*day))};
    if (text != "Z" || !date.ok() || *hour > 23 || *minute > 59 || *second > 60)
        return std::nullopt;
    return WallTime(std::chrono::sys_days(date)) + std::chrono::hours(*hour) +
           std::chrono::minutes(*minute) + std::chrono::seconds(*second) + milliseconds(millis);
}

std::string counted(std::uint64_t count, std::string_view one) {
    return fmt::format("{} {}{}", count, one, count == 1 ? "" : "s");
}

std::string time_ago(WallTime time, WallTime now) {
    using std::chrono::duration_cast;
    if (time > now + std::chrono::seconds(1))
        return "in the future";
    const auto count = duration_cast<std::chrono::seconds>(now - time).count();
    const auto said = [](std::int64_t amount, const char* unit) {
        return counted(static_cast<std::uint64_t>(amount), unit) + " ago";
    };
    if (count < 1)
        return "just now";
    if (count < 60)
        return said(count, "second");
    if (count < 3600)
        return said(count / 60, "minute");
    if (count < std::int64_t{2} * 86400)
        return said(count / 3600, "hour");
    return said(count / 86400, "day");
}

} // namespace shipit

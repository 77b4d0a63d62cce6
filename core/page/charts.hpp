// Charts as inline SVG without a size of its own: places are given in percent, so that they are as
// wide as the screen and their text and lines as large as everywhere.
#pragma once

#include "core/page/element.hpp"
#include "core/page/report.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace shipit::page {

// A row for each release, newest first: when it was live; a dot where one never was.
[[nodiscard]] Element live_chart(const Report& report);

struct Measure {
    std::string title;
    // Of a release; nothing where there is nothing to tell.
    std::function<std::optional<double>(const Release&)> value;
    std::function<std::string(double)> text; // "4.2 KB"
};
// A bar for each release, oldest first; nothing if no release has a value.
[[nodiscard]] std::optional<Element> bar_chart(const Report& report, const Measure& measure);

// "350 ms", "4.2 s", "12 min", "5 h 12 min", "3 days"
[[nodiscard]] std::string span_text(milliseconds span);
// A date and a time of day, in UTC, as people read it, with all of it on demand.
[[nodiscard]] Element time_element(WallTime time);

} // namespace shipit::page

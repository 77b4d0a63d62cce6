// The parts of a report's page; report.cpp puts them together.
#pragma once

#include "core/page/element.hpp"
#include "core/page/report.hpp"

#include <string_view>

namespace shipit::page {

// All that is known of one of its releases, and what that changed.
[[nodiscard]] Element release_card(const Release& release, const Report& report);

// The page's style sheet.
[[nodiscard]] std::string_view style_sheet();

} // namespace shipit::page

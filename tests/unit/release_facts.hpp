// Releases of a history, written down as `shipit releases` prints them.
#pragma once

#include "core/release/choice.hpp"

#include <chrono>
#include <string>

namespace shipit::tests {

inline SlugId numbered_slug(std::uint64_t number) {
    std::string digits = std::to_string(number);
    return *SlugId::parse(std::string(32 - digits.size(), '0') + digits);
}

constexpr auto day = std::chrono::hours(24);
inline const WallTime today = WallTime(20'000 * day);

// Was live, and has a slug of its own, of 100 bytes.
inline release::Fact made(std::uint64_t number, int days_ago = 0) {
    release::Fact fact{.number = ReleaseNumber(number)};
    fact.created_at = today - days_ago * day;
    fact.slug = numbered_slug(number);
    fact.slug_size = 100;
    fact.slug_there = true;
    fact.content = number;
    fact.was_live = true;
    return fact;
}

inline release::Fact good(std::uint64_t number, int days_ago = 0) {
    release::Fact fact = made(number, days_ago);
    fact.good = true;
    return fact;
}

inline release::Fact bad(std::uint64_t number, const std::string& why = "rolled back from") {
    release::Fact fact = made(number);
    fact.bad = true;
    fact.why = why;
    return fact;
}

inline release::Fact failed(std::uint64_t number, int days_ago = 0) {
    release::Fact fact = made(number, days_ago);
    fact.status = release::Status::failed;
    fact.was_live = false;
    fact.why = "health check";
    return fact;
}

} // namespace shipit::tests

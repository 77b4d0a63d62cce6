#include "core/slug/limits.hpp"

#include "core/base/error.hpp"

#include <algorithm>
#include <limits>

#include <fmt/core.h>

namespace shipit::slug {

namespace {

struct Known {
    std::string_view key;
    std::uint64_t most; // what slugs and file systems can take; config/keys.cpp has the same
};

Known known(Limit which) {
    constexpr auto any = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    switch (which) {
    case Limit::entries:
        return {"max_entries", any};
    case Limit::bytes:
        return {"max_bytes", any};
    case Limit::depth:
        return {"max_depth", 256};
    case Limit::path:
        return {"max_path", 4095};
    case Limit::name:
        return {"max_name", 255};
    case Limit::expansion:
        break;
    }
    return {"max_expansion", any};
}

// Rounded up, to what people would type.
std::string gigabytes(std::uint64_t bytes) {
    return fmt::format("{}G", (bytes >> 30U) + 1);
}

} // namespace

void refuse_beyond(const Limits& limits, Limit which, std::uint64_t enough,
                   const std::string& why) {
    const auto [key, most] = known(which);
    std::string next = "the limit cannot be raised so far: change the build";
    if (enough <= most)
        next = fmt::format("if that is meant: {} slug.{}={}", limits.set_command, key,
                           which == Limit::bytes ? gigabytes(enough) : std::to_string(enough));
    throw Error(why).advise(next);
}

void refuse_entries(const Limits& limits) {
    refuse_beyond(limits, Limit::entries, limits.entries * 2,
                  fmt::format("it has more entries than slug.max_entries ({})", limits.entries));
}

void require_few_entries(std::string_view list_text, const Limits& limits) {
    const auto lines = std::count(list_text.begin(), list_text.end(), '\n');
    if (static_cast<std::uint64_t>(lines) > limits.entries)
        refuse_entries(limits);
}

} // namespace shipit::slug

#include "core/base/ids.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/core.h>

namespace shipit {

namespace {

constexpr std::size_t slug_id_digits = 32;
constexpr std::size_t longest_app_name = 63;

bool is_lower_hex(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

bool starts_app_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool continues_app_name(char c) {
    return starts_app_name(c) || c == '-' || c == '_';
}

} // namespace

std::optional<ReleaseNumber> ReleaseNumber::parse(std::string_view text) {
    if (!text.empty() && (text.front() == 'v' || text.front() == 'V'))
        text.remove_prefix(1);
    if (text.empty() || text.front() < '1' || text.front() > '9')
        return std::nullopt;
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return ReleaseNumber(value);
}

std::optional<SlugId> SlugId::parse(std::string_view text) {
    if (text.size() != slug_id_digits || !std::all_of(text.begin(), text.end(), is_lower_hex))
        return std::nullopt;
    return SlugId(std::string(text));
}

bool AppName::is_valid(std::string_view text) {
    return !text.empty() && text.size() <= longest_app_name && starts_app_name(text.front()) &&
           std::all_of(text.begin(), text.end(), continues_app_name);
}

AppName AppName::parse(std::string_view text) {
    if (is_valid(text))
        return AppName(std::string(text));
    throw Error(fmt::format("'{}' is not a name for an app", printable(text)), Outcome::usage)
        .advise("use 1 to 63 of a-z, 0-9, '-' and '_', beginning with a letter or a digit");
}

} // namespace shipit

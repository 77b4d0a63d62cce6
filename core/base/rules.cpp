#include "core/base/rules.hpp"

#include <algorithm>
#include <array>

namespace shipit {

namespace {

constexpr std::size_t longest_process_name = 63;
constexpr std::size_t longest_variable_name = 255;
constexpr std::array<std::string_view, 8> stop_signals = {"TERM", "INT",  "QUIT", "HUP",
                                                          "USR1", "USR2", "KILL", "WINCH"};

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

} // namespace

bool is_process_name(std::string_view name) {
    const auto fits = [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '_'; };
    return !name.empty() && name.size() <= longest_process_name &&
           std::all_of(name.begin(), name.end(), fits);
}

bool is_variable_name(std::string_view name) {
    const auto fits = [](char c) { return is_letter(c) || is_digit(c) || c == '_'; };
    return !name.empty() && name.size() <= longest_variable_name && !is_digit(name.front()) &&
           std::all_of(name.begin(), name.end(), fits);
}

bool is_stop_signal(std::string_view name) {
    return std::find(stop_signals.begin(), stop_signals.end(), name) != stop_signals.end();
}

} // namespace shipit

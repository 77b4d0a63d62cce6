#include "core/base/secrets.hpp"

#include <string_view>

namespace shipit {

namespace {

// ":12:7" at the beginning of `text`, or nothing.
std::string_view position_in(std::string_view text) {
    std::size_t end = 0;
    for (int number = 0; number < 2; ++number) {
        if (end >= text.size() || text[end] != ':')
            return {};
        const std::size_t first_digit = ++end;
        while (end < text.size() && text[end] >= '0' && text[end] <= '9')
            ++end;
        if (end == first_digit)
            return {};
    }
    return text.substr(0, end);
}

} // namespace

Error without_content(const Error& error, const std::string& file) {
    const std::string& why = error.why();
    const bool names_file = why.compare(0, file.size(), file) == 0;
    const auto position =
        names_file ? position_in(std::string_view(why).substr(file.size())) : std::string_view();
    return Error(file + std::string(position) +
                     ": cannot be understood (it holds secrets, so no more is shown)",
                 error.outcome());
}

} // namespace shipit

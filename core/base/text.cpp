#include "core/base/text.hpp"

#include <algorithm>
#include <cstddef>

#include <fmt/core.h>

namespace shipit {

namespace {

// One character of UTF-8: its code point and its length; length 0 for bytes that are not UTF-8
// (overlong forms, surrogates and code points beyond U+10FFFF included; RFC 3629).
struct Character {
    char32_t code = 0;
    std::size_t length = 0;
};

Character first_character(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned lead = byte(0);
    if (lead < 0x80)
        return {lead, 1};
    const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || text.size() < length)
        return {};
    char32_t code = lead & (0x7fU >> length);
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0U) != 0x80)
            return {};
        code = (code << 6U) | (byte(i) & 0x3fU);
    }
    constexpr char32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (code < smallest[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return {};
    return {code, length};
}

// Code points that change how a terminal shows what follows.
bool drives_a_terminal(char32_t code) {
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x202a && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069) || code == 0x2028 || code == 0x2029 ||
           code == 0x200e || code == 0x200f || code == 0x061c;
}

std::string escaped(char32_t code) {
    if (code == '\n')
        return "\\n";
    if (code == '\t')
        return "\\t";
    if (code == '\r')
        return "\\r";
    if (code < 0x80)
        return fmt::format("\\x{:02x}", static_cast<unsigned>(code));
    return fmt::format("\\u{:04x}", static_cast<unsigned>(code));
}

enum class Lines { escape, keep };

std::string made_visible(std::string_view text, Lines lines) {
    std::string result;
    result.reserve(text.size());
    while (!text.empty()) {
        const Character character = first_character(text);
        if (character.length == 0) {
            result += fmt::format("\\x{:02x}", static_cast<unsigned char>(text.front()));
            text.remove_prefix(1);
            continue;
        }
        const bool kept =
            lines == Lines::keep && (character.code == '\n' || character.code == '\t');
        if (drives_a_terminal(character.code) && !kept)
            result += escaped(character.code);
        else
            result += text.substr(0, character.length);
        text.remove_prefix(character.length);
    }
    return result;
}

struct Range {
    char32_t first, last;
};

// Wide and zero-width code points that names really contain (Unicode's EastAsianWidth.txt, W and F,
// in blocks); wcwidth(3) would need the process's locale.
constexpr Range wide[] = {{0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0xa4cf},
                          {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},
                          {0xff00, 0xff60},   {0xffe0, 0xffe6},   {0x1f300, 0x1f64f},
                          {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};
constexpr Range zero_width[] = {
    {0x0300, 0x036f}, {0x200b, 0x200f}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}};

template <std::size_t n>
bool is_in(const Range (&ranges)[n], char32_t code) {
    return std::any_of(std::begin(ranges), std::end(ranges),
                       [code](Range r) { return code >= r.first && code <= r.last; });
}

std::size_t width_of(char32_t code) {
    if (is_in(zero_width, code))
        return 0;
    return is_in(wide, code) ? 2 : 1;
}

bool is_safe_in_a_shell(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_-./:=@%+,").find(c) != std::string_view::npos;
}

} // namespace

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n";
    const auto first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> pieces;
    for (;;) {
        const auto end = text.find(separator);
        pieces.push_back(text.substr(0, end));
        if (end == std::string_view::npos)
            return pieces;
        text.remove_prefix(end + 1);
    }
}

std::string joined(std::span<const std::string> pieces, std::string_view separator) {
    std::string result;
    for (const std::string& piece : pieces) {
        if (&piece != &pieces.front())
            result += separator;
        result += piece;
    }
    return result;
}

std::string joined_briefly(std::span<const std::string> pieces, std::string_view separator) {
    if (pieces.size() <= few_to_read)
        return joined(pieces, separator);
    return fmt::format("{}{}and {} more", joined(pieces.first(few_to_read), separator), separator,
                       pieces.size() - few_to_read);
}

std::string printable(std::string_view text) {
    return made_visible(text, Lines::escape);
}

std::string printable_lines(std::string_view text) {
    return made_visible(text, Lines::keep);
}

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const Character character = first_character(text);
        if (character.length == 0)
            return false;
        text.remove_prefix(character.length);
    }
    return true;
}

std::string_view beginning_of(std::string_view text, std::size_t most) {
    if (text.size() <= most)
        return text;
    constexpr std::size_t longest = 4; // of a character, in bytes
    for (std::size_t end = most; end > 0 && most - end < longest; --end) {
        const std::size_t length = first_character(text.substr(end - 1)).length;
        if (length > 0) // it begins there
            return text.substr(0, end - 1 + length <= most ? most : end - 1);
    }
    return text.substr(0, most);
}

std::string shell_quoted(std::string_view text) {
    if (!text.empty() && std::all_of(text.begin(), text.end(), is_safe_in_a_shell))
        return std::string(text);
    std::string result = "'";
    for (const char c : text)
        result += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return result + "'";
}

std::size_t columns(std::string_view text) {
    std::size_t result = 0;
    while (!text.empty()) {
        const Character character = first_character(text);
        result += character.length == 0 ? 1 : width_of(character.code);
        text.remove_prefix(std::max<std::size_t>(character.length, 1));
    }
    return result;
}

std::string shortened(std::string_view text, std::size_t width) {
    if (columns(text) <= width)
        return std::string(text);
    if (width == 0)
        return {};
    std::string result;
    std::size_t used = 1; // the "…"
    while (!text.empty()) {
        const Character character = first_character(text);
        used += character.length == 0 ? 1 : width_of(character.code);
        if (used > width)
            break;
        const std::size_t length = std::max<std::size_t>(character.length, 1);
        result += text.substr(0, length);
        text.remove_prefix(length);
    }
    return result + "…";
}

std::vector<std::string> wrapped(std::string_view text, std::size_t width) {
    std::vector<std::string> lines;
    for (const std::string_view word : split(text, ' ')) {
        const bool fits = !lines.empty() && columns(lines.back()) + 1 + columns(word) <= width;
        if (fits)
            lines.back() += " " + std::string(word);
        else
            lines.emplace_back(word);
    }
    return lines;
}

} // namespace shipit

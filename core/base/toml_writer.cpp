#include "core/base/text.hpp"
#include "core/base/toml.hpp"

#include <algorithm>
#include <stdexcept>

#include <fmt/core.h>

namespace shipit {

namespace {

// A basic string (toml.io, v1.0.0): everything but quotes, backslashes and controls stands for
// itself.
std::string quoted(std::string_view text) {
    if (!is_utf8(text) || text.find('\0') != std::string_view::npos)
        throw std::logic_error("TOML text must be UTF-8 without NUL");
    std::string result = "\"";
    for (const char c : text) {
        const auto code = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\')
            result += std::string{'\\', c};
        else if (c == '\n')
            result += "\\n";
        else if (c == '\t')
            result += "\\t";
        else if (code < 0x20 || code == 0x7f)
            result += fmt::format("\\u{:04X}", code);
        else
            result += c;
    }
    return result + "\"";
}

bool is_bare(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

std::string key_text(std::string_view key) {
    if (!key.empty() && std::all_of(key.begin(), key.end(), is_bare))
        return std::string(key);
    return quoted(key);
}

std::string dotted(const std::vector<std::string>& path) {
    std::vector<std::string> parts;
    for (const std::string& part : path)
        parts.push_back(key_text(part));
    return joined(parts, ".");
}

} // namespace

TomlWriter& TomlWriter::set(std::string_view key, std::string_view value) {
    m_text += fmt::format("{} = {}\n", key_text(key), quoted(value));
    return *this;
}

TomlWriter& TomlWriter::set(std::string_view key, std::int64_t value) {
    m_text += fmt::format("{} = {}\n", key_text(key), value);
    return *this;
}

TomlWriter& TomlWriter::set(std::string_view key, bool value) {
    m_text += fmt::format("{} = {}\n", key_text(key), value ? "true" : "false");
    return *this;
}

TomlWriter& TomlWriter::set(std::string_view key, const std::vector<std::string>& values) {
    std::vector<std::string> items;
    for (const std::string& value : values)
        items.push_back(quoted(value));
    m_text += fmt::format("{} = [{}]\n", key_text(key), joined(items, ", "));
    return *this;
}

TomlWriter& TomlWriter::set(std::string_view key, const std::vector<std::int64_t>& values) {
    std::vector<std::string> items;
    for (const std::int64_t value : values)
        items.push_back(std::to_string(value));
    m_text += fmt::format("{} = [{}]\n", key_text(key), joined(items, ", "));
    return *this;
}

TomlWriter& TomlWriter::set(std::string_view key, std::chrono::milliseconds value) {
    return set(key, duration_text(value));
}

TomlWriter& TomlWriter::table(const std::vector<std::string>& path) {
    m_text += fmt::format("\n[{}]\n", dotted(path));
    return *this;
}

TomlWriter& TomlWriter::item_of(const std::vector<std::string>& path) {
    m_text += fmt::format("\n[[{}]]\n", dotted(path));
    return *this;
}

TomlWriter& TomlWriter::comment(std::string_view line) {
    m_text += fmt::format("# {}\n", printable(line));
    return *this;
}

} // namespace shipit

// glance_at(): what a listing of ten thousand manifests is too long for, told by how shipit writes
// them (manifest_writer.cpp): one line for each key, those of the release itself before any table.
#include "core/base/error.hpp"
#include "core/base/toml.hpp"
#include "core/release/layout.hpp"
#include "core/release/manifest.hpp"

#include <fmt/core.h>

namespace shipit::release {

namespace {

// Between `text`'s first line that begins with `beginning` and the end of that line; nothing if no
// line does.
std::optional<std::string_view> rest_of_line(std::string_view text, std::string_view beginning) {
    std::size_t at = 0;
    while (text.substr(at, beginning.size()) != beginning) {
        at = text.find('\n', at);
        if (at == std::string_view::npos)
            return std::nullopt;
        ++at;
    }
    at += beginning.size();
    return text.substr(at, text.find('\n', at) - at);
}

// Strings of several lines could hold anything that looks like a line of ours.
bool is_ours(std::string_view text, ReleaseNumber number) {
    const std::string beginning =
        fmt::format("# A release of shipit's. It may hold secrets.\nschema = {}\nversion = {}\n",
                    manifest_schema, number.value());
    return text.substr(0, beginning.size()) == beginning &&
           text.find("\"\"\"") == std::string_view::npos &&
           text.find("'''") == std::string_view::npos;
}

// The string that `line` (all behind "key = ") is; nothing if it is none.
std::optional<std::string> string_in(std::string_view line) {
    const std::size_t size = line.size();
    if (size < 2 || line.front() != '"' || line.back() != '"')
        return std::nullopt;
    const std::string_view inside = line.substr(1, size - 2);
    if (inside.find_first_of("\\\"") == std::string_view::npos)
        return std::string(inside);
    try {
        return TomlTable::parse(fmt::format("it = {}\n", line), "manifest").string("it");
    } catch (const Error&) {
        return std::nullopt;
    }
}

// Nothing if it is not as written: where the table ends unexpectedly, or a value is none.
std::optional<std::string> why_failed_in(std::string_view text) {
    const auto begin = text.find("\n[evidence]\n");
    if (begin == std::string_view::npos)
        return std::nullopt;
    const std::string_view table = text.substr(begin, text.find("\n\n", begin) - begin);
    const auto line = rest_of_line(table, "why_failed = ");
    return line ? string_in(*line) : std::string();
}

} // namespace

std::optional<Glance> glance_at(std::string_view text, ReleaseNumber number) {
    if (!is_ours(text, number))
        return std::nullopt;
    const std::string_view head = text.substr(0, text.find("\n["));
    const std::string_view status = rest_of_line(head, "status = ").value_or("");
    const bool has_failed = status == R"("failed")";
    const auto why = why_failed_in(text);
    if (!why || (!has_failed && status != R"("expired")"))
        return std::nullopt;
    Glance glance{has_failed ? Status::failed : Status::expired, *why, std::nullopt};
    if (const auto of = rest_of_line(head, "rollback_of = ")) {
        glance.rollback_of = ReleaseNumber::parse(*of);
        if (!glance.rollback_of || *glance.rollback_of >= number)
            return std::nullopt;
    }
    return glance;
}

} // namespace shipit::release

#include "core/slug/tree_stamp.hpp"

#include "core/base/text.hpp"

#include <charconv>

#include <fmt/core.h>

namespace shipit::slug {

namespace {

constexpr std::string_view first_line = "shipit tree 2";

std::optional<gid_t> group_in(std::string_view text) {
    gid_t group = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), group);
    if (fault != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return group;
}

} // namespace

Path stamp_path(const Path& trees, const SlugId& id) {
    return trees / (id.text() + ".stamp");
}

std::optional<TreeStamp> read_stamp(const Path& trees, const SlugId& id) {
    const auto text = sys::read_file_if_any(stamp_path(trees, id));
    if (!text)
        return std::nullopt;
    const auto lines = split(*text, '\n');
    if (lines.size() != 6 || lines[0] != first_line || lines[1] != "slug " + id.text() ||
        !lines[2].starts_with("group ") || !lines[3].starts_with("boot ") ||
        !lines[4].starts_with("flushed ") || !lines[5].empty())
        return std::nullopt;
    TreeStamp stamp;
    const auto group = lines[2].substr(6);
    stamp.group = group_in(group);
    if (!stamp.group && group != "-")
        return std::nullopt;
    stamp.boot_id = lines[3].substr(5);
    stamp.is_flushed = lines[4] == "flushed yes";
    return stamp;
}

void write_stamp(const Path& trees, const SlugId& id, const TreeStamp& stamp) {
    const auto group = stamp.group ? std::to_string(*stamp.group) : std::string("-");
    const auto text = fmt::format("{}\nslug {}\ngroup {}\nboot {}\nflushed {}\n", first_line,
                                  id.text(), group, stamp.boot_id, stamp.is_flushed ? "yes" : "no");
    // One that says "no" is worth nothing after a power cut, and need not outlive it.
    if (stamp.is_flushed)
        sys::replace_durably(stamp_path(trees, id), text, 0600);
    else
        sys::replace(stamp_path(trees, id), text, 0600);
}

void remove_stamp(const Path& trees, const SlugId& id) {
    (void)sys::remove_file_durably(stamp_path(trees, id));
}

} // namespace shipit::slug

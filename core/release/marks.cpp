#include "core/release/marks.hpp"

#include "core/base/error.hpp"
#include "core/base/toml.hpp"

namespace shipit::release {

namespace {

constexpr const char* whole_app = "app";

void write(const Path& file, const Mark& mark) {
    const auto tellable = [](const std::string& text) {
        return is_utf8(text) && text.find('\0') == std::string::npos ? text : printable(text);
    };
    TomlWriter writer;
    writer.set("who", tellable(mark.who));
    writer.set("at", time_text(mark.at));
    if (!mark.why.empty())
        writer.set("why", tellable(mark.why));
    constexpr mode_t folder_mode = 0750;
    constexpr mode_t file_mode = 0640;
    sys::make_folders(file.parent_path(), folder_mode);
    sys::replace_durably(file, writer.text(), file_mode);
}

std::optional<Mark> read(const Path& file) {
    if (!sys::is_surely_there(file))
        return std::nullopt;
    Mark mark;
    try {
        const auto root = TomlTable::parse(sys::read_file(file), file.string());
        mark.who = root.string("who").value_or("");
        mark.at = parse_time(root.string("at").value_or("")).value_or(WallTime{});
        mark.why = root.string("why").value_or("");
    } catch (const Error&) {
        // The mark holds; its story is lost.
    }
    return mark;
}

} // namespace

const char* name_of(MarkKind kind) {
    switch (kind) {
    case MarkKind::good:
        return "good";
    case MarkKind::bad:
        return "bad";
    case MarkKind::pin:
        return "pin";
    case MarkKind::barrier:
        break;
    }
    return "barrier";
}

Path Marks::folder(MarkKind kind) const {
    return m_layout.marks() / name_of(kind);
}

Path Marks::file(MarkKind kind, ReleaseNumber number) const {
    return folder(kind) / number.text();
}

void Marks::set(MarkKind kind, ReleaseNumber number, const Mark& mark) const {
    write(file(kind, number), mark);
    if (kind == MarkKind::good)
        (void)clear(MarkKind::bad, number);
    if (kind == MarkKind::bad)
        (void)clear(MarkKind::good, number);
}

bool Marks::clear(MarkKind kind, ReleaseNumber number) const {
    return sys::remove_file_durably(file(kind, number));
}

bool Marks::has(MarkKind kind, ReleaseNumber number) const {
    return sys::is_surely_there(file(kind, number));
}

std::optional<Mark> Marks::get(MarkKind kind, ReleaseNumber number) const {
    return read(file(kind, number));
}

std::set<ReleaseNumber> Marks::all(MarkKind kind) const {
    std::set<ReleaseNumber> numbers;
    for (const std::string& name : sys::names_in_if_any(folder(kind)))
        if (const auto number = link_number(name))
            numbers.insert(*number);
    return numbers;
}

std::vector<ReleaseNumber> Marks::barriers_after(ReleaseNumber target) const {
    const auto barriers = all(MarkKind::barrier);
    return {barriers.upper_bound(target), barriers.end()};
}

std::optional<ReleaseNumber> Marks::pinned_as(std::string_view name) const {
    for (const ReleaseNumber number : all(MarkKind::pin))
        if (const auto mark = get(MarkKind::pin, number); mark && mark->why == name)
            return number;
    return std::nullopt;
}

std::vector<std::string> Marks::pin_names() const {
    std::vector<std::string> names;
    for (const ReleaseNumber number : all(MarkKind::pin))
        if (const auto mark = get(MarkKind::pin, number); mark && !mark->why.empty())
            names.push_back(mark->why);
    return names;
}

void Marks::hold(const SlugId& slug, const Mark& mark) const {
    write(holds() / slug.text(), mark);
}

void Marks::hold_app(const Mark& mark) const {
    write(holds() / whole_app, mark);
}

std::optional<Mark> Marks::hold_on(const SlugId& slug) const {
    return read(holds() / slug.text());
}

std::optional<Mark> Marks::hold_on_app() const {
    return read(holds() / whole_app);
}

std::vector<SlugId> Marks::held_slugs() const {
    std::vector<SlugId> slugs;
    for (const std::string& name : sys::names_in_if_any(holds()))
        if (const auto slug = SlugId::parse(name))
            slugs.push_back(*slug);
    return slugs;
}

bool Marks::clear_hold(const SlugId& slug) const {
    return sys::remove_file_durably(holds() / slug.text());
}

bool Marks::clear_hold_on_app() const {
    return sys::remove_file_durably(holds() / whole_app);
}

} // namespace shipit::release

// Values of keys.hpp from and to text: TOML files and what people type.
#include "core/config/keys.hpp"

#include "core/base/rules.hpp"
#include "core/base/text.hpp"

#include <charconv>
#include <limits>

#include <fmt/core.h>

namespace shipit::config {

namespace {

constexpr std::string_view processes_table = "processes";

struct ValueText {
    std::string operator()(const std::string& text) const { return text; }
    std::string operator()(std::int64_t number) const { return std::to_string(number); }
    std::string operator()(milliseconds duration) const { return duration_text(duration); }
    // The shortest form that is exact, unlike size_text.
    std::string operator()(std::uint64_t bytes) const {
        constexpr const char* units[] = {"", "K", "M", "G", "T"};
        std::size_t unit = 0;
        while (bytes != 0 && bytes % 1024 == 0 && unit + 1 < std::size(units)) {
            bytes /= 1024;
            ++unit;
        }
        return std::to_string(bytes) + units[unit];
    }
    std::string operator()(const std::vector<std::string>& items) const {
        return joined(items, ",");
    }
    std::string operator()(const std::vector<std::int64_t>& numbers) const {
        std::vector<std::string> items;
        for (const std::int64_t number : numbers)
            items.push_back(std::to_string(number));
        return joined(items, ",");
    }
    std::string operator()(bool flag) const { return flag ? "true" : "false"; }
};

std::optional<Value> read_any(const TomlTable& table, std::string_view name, const Key& key) {
    constexpr auto least = std::numeric_limits<std::int64_t>::min();
    constexpr auto most = std::numeric_limits<std::int64_t>::max();
    switch (key.kind) {
    case Kind::text:
        return table.string(name);
    case Kind::number:
        return table.integer(name, least, most);
    case Kind::duration:
        return table.duration(name);
    case Kind::size:
        return table.size(name);
    case Kind::list:
        return table.strings(name);
    case Kind::numbers:
        return table.integers(name);
    case Kind::flag:
        return table.boolean(name);
    }
    return std::nullopt;
}

// Settings that a build may not give itself; the end of a sentence that begins with the key.
std::string complaint_about_build(const Key& key, const Value& value) {
    if (key.host_only)
        return fmt::format("counts before the build is unpacked, so only this host can say it: "
                           "'shipit set {}={}'",
                           key.path, value_text(value));
    constexpr std::int64_t lowest = 1024;
    if (key.path == "app.port" && std::get<std::int64_t>(value) < lowest)
        return fmt::format("is below 1024, which only this host can grant: "
                           "'shipit set app.port={}'",
                           std::get<std::int64_t>(value));
    if (const auto* ports = std::get_if<std::vector<std::int64_t>>(&value))
        for (const std::int64_t port : *ports)
            if (port < lowest)
                return fmt::format("holds {}, which is below 1024 and which only this host can "
                                   "grant: 'shipit set app.ports={}'",
                                   port, value_text(value));
    const auto* text = std::get_if<std::string>(&value);
    if (key.path == "app.user" &&
        (*text == "root" || (!text->empty() && text->find_first_not_of('0') == text->npos)))
        return "may be root only if this host says so: 'shipit set app.user=root'";
    return "";
}

class ValueReader {
  public:
    ValueReader(const TomlTable& root, Origin origin) : m_root(root), m_origin(origin) {}

    Values read() {
        for (const Key& key : keys())
            read_plain(key);
        if (const auto processes = m_root.table(processes_table))
            for (const std::string& name : processes->keys())
                read_process(*processes, name);
        m_root.finish();
        if (m_health && m_values.contains("health.path") && m_values.contains("health.command"))
            throw m_health->complaint("command", "and 'health.path' exclude each other");
        return std::move(m_values);
    }

  private:
    void take(const TomlTable& table, std::string_view name, const Key& key,
              const std::string& path) {
        const auto value = read_any(table, name, key);
        if (!value)
            return;
        std::string complaint = complaint_about(key, *value);
        if (complaint.empty() && m_origin == Origin::build)
            complaint = complaint_about_build(key, *value);
        if (!complaint.empty())
            throw table.complaint(name, complaint);
        m_values.insert_or_assign(path, *value);
    }

    // A key that is not of a process type.
    void read_plain(const Key& key) {
        const auto dot = key.path.find('.');
        if (dot == std::string_view::npos) {
            if (m_origin == Origin::build) // `name`: on the host, the folder is the name
                take(m_root, key.path, key, std::string(key.path));
            return;
        }
        const auto table_name = key.path.substr(0, dot);
        if (table_name == processes_table)
            return;
        auto [entry, is_new] = m_tables.try_emplace(std::string(table_name));
        if (is_new)
            entry->second = m_root.table(table_name);
        if (!entry->second)
            return;
        if (table_name == "health")
            m_health = entry->second;
        take(*entry->second, key.path.substr(dot + 1), key, std::string(key.path));
    }

    void read_process(const TomlTable& processes, const std::string& name) {
        if (!is_process_name(name))
            throw processes.complaint(name,
                                      "must be a name of 1 to 63 of A-Z, a-z, 0-9, '-' and '_'");
        if (name == "release")
            throw processes.complaint(name, "is no process type: write it as [release] command");
        const std::string prefix = fmt::format("{}.{}.", processes_table, name);
        if (processes.is_string(name))
            return take(processes, name, *find_key(prefix + "command"), prefix + "command");
        const auto process = processes.table(name);
        for (const Key& key : keys())
            if (key.path.substr(0, processes_table.size()) == processes_table) {
                const auto last = key.path.substr(key.path.rfind('.') + 1);
                take(*process, last, key, prefix + std::string(last));
            }
        process->finish();
        if (m_origin == Origin::build && !m_values.contains(prefix + "command"))
            throw processes.complaint(name, "has no command");
    }

    const TomlTable& m_root;
    Origin m_origin;
    Values m_values;
    std::map<std::string, std::optional<TomlTable>> m_tables;
    std::optional<TomlTable> m_health;
};

void set_value(TomlWriter& writer, std::string_view name, const Value& value) {
    if (const auto* number = std::get_if<std::int64_t>(&value))
        writer.set(name, *number);
    else if (const auto* items = std::get_if<std::vector<std::string>>(&value))
        writer.set(name, *items);
    else if (const auto* numbers = std::get_if<std::vector<std::int64_t>>(&value))
        writer.set(name, *numbers);
    else if (const auto* flag = std::get_if<bool>(&value))
        writer.set(name, *flag);
    else
        writer.set(name, value_text(value));
}

// A number in decimal and nothing else.
std::optional<std::int64_t> parse_number(std::string_view text) {
    std::int64_t number = 0;
    const char* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, number);
    return read.ec == std::errc() && read.ptr == end ? std::optional(number) : std::nullopt;
}

std::optional<bool> parse_flag(std::string_view text) {
    if (text == "true" || text == "yes")
        return true;
    return text == "false" || text == "no" ? std::optional(false) : std::nullopt;
}

std::vector<std::string> parse_list(std::string_view text) {
    std::vector<std::string> items;
    for (const std::string_view item : split(text, ','))
        items.emplace_back(trimmed(item));
    return items;
}

std::optional<Value> parse_numbers(std::string_view text) {
    std::vector<std::int64_t> numbers;
    for (const std::string_view item : split(text, ',')) {
        const auto number = parse_number(trimmed(item));
        if (!number)
            return std::nullopt;
        numbers.push_back(*number);
    }
    return numbers;
}

template <class Parsed>
std::optional<Value> value_of(const std::optional<Parsed>& parsed) {
    return parsed ? std::optional<Value>(*parsed) : std::nullopt;
}

std::optional<Value> parse_value(Kind kind, std::string_view text) {
    switch (kind) {
    case Kind::text:
        return std::string(text);
    case Kind::number:
        return value_of(parse_number(text));
    case Kind::duration:
        return value_of(parse_duration(text));
    case Kind::size:
        return value_of(parse_size(text));
    case Kind::list:
        return parse_list(text);
    case Kind::numbers:
        return parse_numbers(text);
    case Kind::flag:
        return value_of(parse_flag(text));
    }
    return std::nullopt;
}

std::string expected_by(const Key& key) {
    constexpr auto no_limit = std::numeric_limits<std::int64_t>::max();
    switch (key.kind) {
    case Kind::number:
        if (key.most == no_limit)
            return fmt::format("a whole number of at least {}", key.least);
        return fmt::format("a whole number from {} to {}", key.least, key.most);
    case Kind::duration:
        return "a duration like 500ms, 30s, 10m, 2h or 30d";
    case Kind::size:
        return "a size like 500M or 5G";
    case Kind::numbers:
        return "whole numbers with commas between them, like 80,443";
    case Kind::flag:
        return "true or false";
    default:
        return "text";
    }
}

} // namespace

std::string value_text(const Value& value) {
    return std::visit(ValueText{}, value);
}

Value typed_value(const Key& key, std::string_view path, std::string_view text) {
    const auto refusal = [&](const std::string& complaint) {
        return Error(fmt::format("'{}' {}", path, complaint), Outcome::usage);
    };
    if (!is_utf8(text) || text.find('\0') != std::string_view::npos)
        throw refusal("must be UTF-8 text");
    const auto value = parse_value(key.kind, text);
    if (!value)
        throw refusal(fmt::format("must be {}, not '{}'", expected_by(key), printable(text)));
    if (const auto complaint = complaint_about(key, *value); !complaint.empty())
        throw refusal(complaint);
    return *value;
}

Values read_values(const TomlTable& root, Origin origin) {
    return ValueReader(root, origin).read();
}

std::string written_values(const Values& values, std::string_view comment) {
    TomlWriter writer;
    writer.comment(comment);
    std::string current_table;
    for (const auto& [path, value] : values) // keys of the root first: they have no dot …
        if (path.find('.') == std::string::npos)
            set_value(writer, path, value);
    for (const auto& [path, value] : values) {
        const auto dot = path.rfind('.');
        if (dot == std::string::npos)
            continue;
        if (path.substr(0, dot) != current_table) { // … then a table's keys side by side
            current_table = path.substr(0, dot);
            std::vector<std::string> parts;
            for (const std::string_view part : split(current_table, '.'))
                parts.emplace_back(part);
            writer.table(parts);
        }
        set_value(writer, path.substr(dot + 1), value);
    }
    return writer.text();
}

} // namespace shipit::config

#include "core/base/toml.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/core.h>
#include <toml++/toml.h>

namespace shipit {

namespace {

constexpr std::size_t longest_document = 1 << 20;
constexpr std::size_t deepest_dotted_key = 32;

// Where the string that begins at `text[at]` ends (behind its closing quotes, or at the end of the
// text if it has none: toml++ will complain). A long one may have one or two of its quotes right
// before those that close it.
std::size_t end_of_string(std::string_view text, std::size_t at) {
    const char quote = text[at];
    const std::string triple(3, quote);
    const bool long_form = text.substr(at, 3) == triple;
    const std::string_view closing = long_form ? std::string_view(triple) : text.substr(at, 1);
    for (std::size_t i = at + closing.size(); i < text.size(); ++i) {
        if (quote == '"' && text[i] == '\\')
            ++i;
        else if (text.substr(i, closing.size()) == closing) {
            i += closing.size();
            for (int own = 0; long_form && own < 2 && i < text.size() && text[i] == quote; ++own)
                ++i;
            return i;
        } else if (!long_form && text[i] == '\n')
            return i;
    }
    return text.size();
}

bool continues_key(char c) {
    return c == '-' || c == '_' || c == ' ' || c == '\t' || (c >= '0' && c <= '9') ||
           (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// toml++ 3.3.0 recurses once per part of a dotted key and does not count those parts in its limit
// of nesting: a key of 100,000 parts overflows the stack.
void refuse_deep_keys(std::string_view text, const std::string& file) {
    std::size_t dots = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '"' || c == '\'')
            i = end_of_string(text, i) - 1;
        else if (c == '#')
            i = std::min(text.find('\n', i), text.size()) - 1;
        else
            dots = c == '.' ? dots + 1 : continues_key(c) ? dots : 0;
        if (dots >= deepest_dotted_key)
            throw Error(fmt::format("{}: a key of more than {} parts", file, deepest_dotted_key),
                        Outcome::usage);
    }
}

} // namespace

struct TomlTable::Node {
    std::shared_ptr<const toml::table> document; // keeps `table` alive
    const toml::table* table = nullptr;
    std::string file;
    std::string path; // "health." in [health]
    mutable std::set<std::string, std::less<>> known;
    mutable std::vector<std::pair<std::string, std::shared_ptr<Node>>> children;

    const toml::node* find(std::string_view key) const {
        known.emplace(key);
        return table->get(key);
    }

    std::string place_of(const toml::node* node) const {
        const toml::source_region& region = (node != nullptr ? *node : *table).source();
        return fmt::format("{}:{}:{}", file, region.begin.line, region.begin.column);
    }

    // Where the key itself stands; keys have positions of their own in toml++ 3.3.
    std::string place_of_key(std::string_view key) const {
        for (const auto& [name, node] : *table)
            if (name.str() == key)
                return fmt::format("{}:{}:{}", file, name.source().begin.line,
                                   name.source().begin.column);
        return place_of(nullptr);
    }

    Error wrong(std::string_view key, const toml::node& node, std::string_view expected) const {
        return Error(
            fmt::format("{}: '{}{}' must be {}", place_of(&node), path, printable(key), expected),
            Outcome::usage);
    }

    std::shared_ptr<Node> child(std::string_view key, const toml::table& child_table,
                                const std::string& suffix) const {
        auto node = std::make_shared<Node>();
        node->document = document;
        node->table = &child_table;
        node->file = file;
        node->path = fmt::format("{}{}{}.", path, printable(key), suffix);
        children.emplace_back(std::string(key) + suffix, node);
        return node;
    }
};

TomlTable TomlTable::parse(std::string_view text, const std::string& file) {
    if (text.size() > longest_document)
        throw Error(fmt::format("{}: larger than {}", file, size_text(longest_document)),
                    Outcome::usage);
    refuse_deep_keys(text, file);
    auto node = std::make_shared<Node>();
    try {
        node->document = std::make_shared<const toml::table>(toml::parse(text));
    } catch (const toml::parse_error& error) {
        const auto& at = error.source().begin;
        throw Error(
            fmt::format("{}:{}:{}: {}", file, at.line, at.column, printable(error.description())),
            Outcome::usage);
    }
    node->table = node->document.get();
    node->file = file;
    return TomlTable(node);
}

bool TomlTable::has(std::string_view key) const {
    return m_node->table->contains(key);
}

std::vector<std::string> TomlTable::keys() const {
    std::vector<std::string> result;
    for (const auto& [key, value] : *m_node->table)
        result.emplace_back(key.str());
    std::sort(result.begin(), result.end());
    return result;
}

bool TomlTable::is_string(std::string_view key) const {
    const toml::node* node = m_node->table->get(key);
    return node != nullptr && node->is_string();
}

std::optional<std::string> TomlTable::string(std::string_view key) const {
    const toml::node* node = m_node->find(key);
    if (node == nullptr)
        return std::nullopt;
    const auto* value = node->as_string();
    if (value == nullptr)
        throw m_node->wrong(key, *node, "text in quotes");
    if (value->get().find('\0') != std::string::npos)
        throw m_node->wrong(key, *node, "text without NUL characters");
    return value->get();
}

std::optional<std::int64_t> TomlTable::integer(std::string_view key, std::int64_t least,
                                               std::int64_t most) const {
    const toml::node* node = m_node->find(key);
    if (node == nullptr)
        return std::nullopt;
    const auto* value = node->as_integer();
    if (value == nullptr)
        throw m_node->wrong(key, *node, fmt::format("a whole number from {} to {}", least, most));
    if (value->get() < least || value->get() > most)
        throw m_node->wrong(key, *node,
                            fmt::format("from {} to {}, not {}", least, most, value->get()));
    return value->get();
}

std::optional<bool> TomlTable::boolean(std::string_view key) const {
    const toml::node* node = m_node->find(key);
    if (node == nullptr)
        return std::nullopt;
    const auto* value = node->as_boolean();
    if (value == nullptr)
        throw m_node->wrong(key, *node, "true or false");
    return value->get();
}

std::optional<std::chrono::milliseconds> TomlTable::duration(std::string_view key) const {
    const toml::node* node = m_node->find(key);
    if (node == nullptr)
        return std::nullopt;
    const auto* value = node->as_string();
    const auto duration = value != nullptr ? parse_duration(value->get()) : std::nullopt;
    if (!duration)
        throw m_node->wrong(key, *node, "a duration like \"500ms\", \"30s\", \"10m\" or \"2h\"");
    return duration;
}

std::optional<std::uint64_t> TomlTable::size(std::string_view key) const {
    const toml::node* node = m_node->find(key);
    if (node == nullptr)
        return std::nullopt;
    if (const auto* bytes = node->as_integer(); bytes != nullptr && bytes->get() >= 0)
        return static_cast<std::uint64_t>(bytes->get());
    const auto* value = node->as_string();
    const auto size = value != nullptr ? parse_size(value->get()) : std::nullopt;
    if (!size)
        throw m_node->wrong(key, *node, "a size like \"500M\" or \"5G\"");
    return size;
}

std::optional<std::vector<std::int64_t>> TomlTable::integers(std::string_view key) const {
    const toml::node* node = m_node->find(key);
    if (node == nullptr)
        return std::nullopt;
    const auto* values = node->as_array();
    if (values == nullptr)
        throw m_node->wrong(key, *node, "a list of whole numbers like [80, 443]");
    std::vector<std::int64_t> result;
    for (const toml::node& item : *values) {
        const auto* value = item.as_integer();
        if (value == nullptr)
            throw m_node->wrong(key, item, "a list of whole numbers like [80, 443]");
        result.push_back(value->get());
    }
    return result;
}

std::optional<std::vector<std::string>> TomlTable::strings(std::string_view key) const {
    const toml::node* node = m_node->find(key);
    if (node == nullptr)
        return std::nullopt;
    const auto* values = node->as_array();
    if (values == nullptr)
        throw m_node->wrong(key, *node, "a list of texts like [\"media\", \"var/log\"]");
    std::vector<std::string> result;
    for (const toml::node& item : *values) {
        const auto* value = item.as_string();
        if (value == nullptr || value->get().find('\0') != std::string::npos)
            throw m_node->wrong(key, item, "a list of texts like [\"media\", \"var/log\"]");
        result.push_back(value->get());
    }
    return result;
}

std::optional<TomlTable> TomlTable::table(std::string_view key) const {
    const toml::node* node = m_node->find(key);
    if (node == nullptr)
        return std::nullopt;
    const auto* value = node->as_table();
    if (value == nullptr)
        throw m_node->wrong(key, *node, "a table");
    return TomlTable(m_node->child(key, *value, ""));
}

std::vector<TomlTable> TomlTable::tables(std::string_view key) const {
    const toml::node* node = m_node->find(key);
    std::vector<TomlTable> result;
    if (node == nullptr)
        return result;
    const auto* values = node->as_array();
    if (values == nullptr)
        throw m_node->wrong(key, *node, "a list of tables");
    for (const toml::node& item : *values) {
        if (!item.is_table())
            throw m_node->wrong(key, item, "a list of tables");
        const auto suffix = fmt::format("[{}]", result.size());
        result.push_back(TomlTable(m_node->child(key, *item.as_table(), suffix)));
    }
    return result;
}

Error TomlTable::complaint(std::string_view key, const std::string& complaint) const {
    return Error(fmt::format("{}: '{}{}' {}", m_node->place_of(m_node->table->get(key)),
                             m_node->path, printable(key), complaint),
                 Outcome::usage);
}

void TomlTable::finish() const {
    for (const std::string& key : keys()) {
        if (m_node->known.contains(key))
            continue;
        const std::vector<std::string> known(m_node->known.begin(), m_node->known.end());
        Error error(fmt::format("{}: unknown key '{}{}'", m_node->place_of_key(key), m_node->path,
                                printable(key)),
                    Outcome::usage);
        if (const auto meant = nearest(key, known))
            throw std::move(error).advise(
                fmt::format("did you mean '{}{}'?", m_node->path, *meant));
        throw std::move(error).advise("the keys are listed in shipit.toml(5)");
    }
    for (const auto& [name, child] : m_node->children)
        TomlTable(child).finish();
}

} // namespace shipit

// TOML for our own files and for what users write: a reader that tells file, line and column of
// whatever is wrong, and a writer whose output depends on nothing but its input.
//
// toml++ does the reading, in toml.cpp alone. Writing is ours: toml++ 3.3.0 writes keys with
// newlines unquoted and bytes that are not UTF-8 as other characters.
#pragma once

#include "core/base/error.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shipit {

// One table of a parsed document. Every read marks its key as known; finish() refuses the rest, so
// that a misspelt key is an error that names the key that was probably meant.
//
// Reads throw Error (usage): "shipit.toml:7:8: 'health.timeout' must be a duration like \"30s\",
// not 30". Copies are cheap and share the document and the record of known keys.
class TomlTable {
  public:
    // `file` names the text in errors. Throws Error (usage) with line and column; texts beyond
    // 1 MiB and keys of more than 32 dotted parts are refused before toml++ sees them (it overflows
    // its stack on those).
    [[nodiscard]] static TomlTable parse(std::string_view text, const std::string& file);

    [[nodiscard]] bool has(std::string_view key) const;
    // Keys in byte order; does not mark them as known.
    [[nodiscard]] std::vector<std::string> keys() const;

    // Nothing if the key is absent.
    [[nodiscard]] std::optional<std::string> string(std::string_view key) const;
    [[nodiscard]] std::optional<std::int64_t> integer(std::string_view key, std::int64_t least,
                                                      std::int64_t most) const;
    [[nodiscard]] std::optional<bool> boolean(std::string_view key) const;
    [[nodiscard]] std::optional<std::chrono::milliseconds> duration(std::string_view key) const;
    [[nodiscard]] std::optional<std::uint64_t> size(std::string_view key) const; // "5G" or a number
    [[nodiscard]] std::optional<std::vector<std::string>> strings(std::string_view key) const;
    [[nodiscard]] std::optional<std::vector<std::int64_t>> integers(std::string_view key) const;
    [[nodiscard]] std::optional<TomlTable> table(std::string_view key) const;
    // An array of tables ([[x]]); empty if absent.
    [[nodiscard]] std::vector<TomlTable> tables(std::string_view key) const;
    // Whether the value at `key` is a string, for keys that take a string or a table.
    [[nodiscard]] bool is_string(std::string_view key) const;

    // An Error (usage) about `key`: "<file>:<line>:<column>: '<path of key>' <complaint>".
    [[nodiscard]] Error complaint(std::string_view key, const std::string& complaint) const;

    // Throws for the first key, here or in a table taken from here, that nothing has asked for.
    void finish() const;

  private:
    struct Node;
    explicit TomlTable(std::shared_ptr<Node> node) : m_node(std::move(node)) {}
    std::shared_ptr<Node> m_node;
};

// Writes a document from the top: keys of the root first, then table(…) and its keys.
class TomlWriter {
  public:
    // Strings must be UTF-8 without NUL; throws std::logic_error otherwise (callers check input).
    TomlWriter& set(std::string_view key, std::string_view value);
    TomlWriter& set(std::string_view key, const char* value) {
        return set(key, std::string_view(value));
    }
    TomlWriter& set(std::string_view key, std::int64_t value);
    TomlWriter& set(std::string_view key, std::uint64_t value) {
        return set(key, static_cast<std::int64_t>(value));
    }
    TomlWriter& set(std::string_view key, unsigned value) { return set(key, std::int64_t{value}); }
    TomlWriter& set(std::string_view key, bool value);
    TomlWriter& set(std::string_view key, const std::vector<std::string>& values);
    TomlWriter& set(std::string_view key, const std::vector<std::int64_t>& values);
    TomlWriter& set(std::string_view key, std::chrono::milliseconds value); // as a duration string
    TomlWriter& table(const std::vector<std::string>& path);                // [a.b]
    TomlWriter& item_of(const std::vector<std::string>& path);              // [[a.b]]
    TomlWriter& comment(std::string_view line);
    [[nodiscard]] const std::string& text() const { return m_text; }

  private:
    std::string m_text;
};

} // namespace shipit

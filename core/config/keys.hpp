// The keys of shipit.toml and app.toml: one table, by which both files are read and app.toml is
// written, `shipit set` types its values, and shipit.toml(5) is checked for completeness.
//
// Inside the room a file is a map from a key's path ("health.timeout", "processes.web.count") to
// its value, so that "the host wins key by key" is a merge of two maps.
#pragma once

#include "core/base/toml.hpp"
#include "core/config/settings.hpp"

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace shipit::config {

// A text, a number, a duration, a size in bytes, a list of texts or of numbers, yes or no.
using Value = std::variant<std::string, std::int64_t, milliseconds, std::uint64_t,
                           std::vector<std::string>, std::vector<std::int64_t>, bool>;
using Values = std::map<std::string, Value>;

enum class Kind { text, number, duration, size, list, numbers, flag };

struct Key {
    std::string_view path; // a process type's name is '*': "processes.*.count"
    Kind kind;
    std::int64_t least; // of numbers, durations (in milliseconds) and sizes
    std::int64_t most;
    // "must begin with '/'", or nothing if the value will do; may be null.
    std::string (*complaint)(const Value& value);
    void (*store)(Settings& into, std::string_view process, const Value& value);
    bool host_only = false; // no key of shipit.toml
};

[[nodiscard]] std::span<const Key> keys();

// When a running app takes up what `set` has changed: with a deploy, since a release keeps it; with
// a restart, too; or at once, since it is read whenever it is needed.
enum class Effect { next_deploy, restart, at_once };

[[nodiscard]] Effect effect_of(const Key& key);

// The key that a path like "processes.web.count" means.
[[nodiscard]] const Key* find_key(std::string_view path);

// Why `value` will not do for `key`, as the end of a sentence that begins with the key; empty if
// it will.
[[nodiscard]] std::string complaint_about(const Key& key, const Value& value);

// What `text`, typed by a person, means as a value of `key`. Throws Error (usage).
[[nodiscard]] Value typed_value(const Key& key, std::string_view path, std::string_view text);
// The same in the other direction.
[[nodiscard]] std::string value_text(const Value& value);

enum class Origin { build, host };

// All values of a file. Throws Error (usage) with file, line and column.
[[nodiscard]] Values read_values(const TomlTable& root, Origin origin);
// A TOML document of these values, sorted by table; `comment` goes first.
[[nodiscard]] std::string written_values(const Values& values, std::string_view comment);

} // namespace shipit::config

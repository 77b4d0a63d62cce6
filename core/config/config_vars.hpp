// Config vars: the app's environment, kept in config.toml (mode 0600) and in every manifest.
//
// Values are secrets: no error text of this file holds one.
#pragma once

#include "core/base/spec.hpp"
#include "core/sys/file.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace shipit::config {

// What all names and values may take together, as they are stored: a manifest, which holds them
// too, must stay below what is read of a TOML file, and execve(2) has a limit of its own.
inline constexpr std::size_t largest_config = 768 << 10;

// --- Rules; each throws Error (usage) ---

// [A-Za-z_][A-Za-z0-9_]*, at most 255 characters, and none of those that shipit sets itself: PORT
// and SHIPIT_….
void check_name(std::string_view name);
// UTF-8 without NUL; with its name below 128 KiB, the kernel's limit for one variable
// (MAX_ARG_STRLEN, execve(2)).
void check_value(std::string_view name, std::string_view value);
// All of the above, and the sum.
void check_vars(const ConfigVars& vars);

[[nodiscard]] std::vector<std::string> names_of(const ConfigVars& vars);

// What a word of `config set` says: the first '=' or '@' in it decides, since no name holds either.
struct Assignment {
    enum class From { word, file } from; // NAME=VALUE; NAME@FILE, whose content is the value
    std::string name;
    std::string text; // the value, or the file

    bool operator==(const Assignment&) const = default;
};

// All or nothing. A name that is given twice is refused. Values are checked where they are whole.
[[nodiscard]] std::vector<Assignment> parse_assignments(const std::vector<std::string>& words);
// A name that may be unset or asked for: as check_name, but reserved ones pass, so that a file
// written by other means can be cleaned.
void check_name_form(std::string_view name);

// --- The file ---

// Empty if there is no such file. Throws Error that quotes nothing of the file.
[[nodiscard]] ConfigVars load_config(const sys::Path& config_toml);
// Checks, then replaces the file durably, mode 0600.
void save_config(const sys::Path& config_toml, const ConfigVars& vars);

// --- Descriptions of releases, in Heroku's words ---

// "Set FOO, BAR config vars", "Unset FOO config vars", "Set FOO, unset BAR config vars"; Heroku
// says "vars" of one, too.
[[nodiscard]] std::string change_description(const std::vector<std::string>& set,
                                             const std::vector<std::string>& unset);

} // namespace shipit::config

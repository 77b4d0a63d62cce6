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

// {"A=1", "B=x y"} → {A: "1", B: "x y"}: all or nothing. A name that is given twice is refused.
[[nodiscard]] ConfigVars parse_assignments(const std::vector<std::string>& assignments);
// A name that may be unset or asked for: as check_name, but reserved ones pass, so that a file
// written by other means can be cleaned.
void check_name_form(std::string_view name);

// --- The file ---

// Empty if there is no such file. Throws Error that quotes nothing of the file.
[[nodiscard]] ConfigVars load_config(const sys::Path& config_toml);
// Checks, then replaces the file durably, mode 0600.
void save_config(const sys::Path& config_toml, const ConfigVars& vars);

// --- Descriptions of releases, in Heroku's words ---

// "Set FOO, BAR config vars"; Heroku says "vars" of one, too.
[[nodiscard]] std::string set_description(const std::vector<std::string>& names);
// "Unset FOO config vars"
[[nodiscard]] std::string unset_description(const std::vector<std::string>& names);

} // namespace shipit::config

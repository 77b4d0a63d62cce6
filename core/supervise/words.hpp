// A command as people write it, turned into what execve(2) takes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shipit::supervise {

// The words of a command that needs no shell: quotes and backslashes are understood as POSIX
// shells do. Nothing if the command has shell syntax (expansions, globs, redirections, operators,
// assignments, builtins, comments) or an unfinished quote, or is empty.
[[nodiscard]] std::optional<std::vector<std::string>> plain_words(std::string_view command);

// What to execute for a command: its own words, or a shell that replaces itself by the program, so
// that signals reach the program and its pid is the one that is supervised. Throws Error (usage)
// for an empty one.
[[nodiscard]] std::vector<std::string> argv_of(const std::string& command);

} // namespace shipit::supervise

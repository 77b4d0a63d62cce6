// The table of commands.
#pragma once

#include "cmd/command.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace shipit::cmd {

[[nodiscard]] std::span<const Command* const> all_commands();

// By its own name or one of Heroku's; null if there is none.
[[nodiscard]] const Command* command_named(std::string_view name);

// A command line with its parts sorted out.
struct CommandLine {
    const Command* command = nullptr; // null: none was named
    std::vector<std::string> words;   // all words but the command's name
};

// Finds the command in what was typed: `config set`, Heroku's `config:set` and `releases:info`,
// common options before the name. Throws Error (usage) for a command that does not exist, with the
// one that was probably meant.
[[nodiscard]] CommandLine find_command(std::vector<std::string> words);

// The commands by task, with three examples: what `shipit` alone prints.
[[nodiscard]] std::string overview();

} // namespace shipit::cmd

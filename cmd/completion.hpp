// What can stand at the end of a command line, read off the table of commands: for the completion
// of shells. Looks at nothing but the words; what only the host knows is named by its kind.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shipit::cmd {

struct Candidate {
    std::string text; // the whole word
    std::string description;
};

// What a value or an argument is one of.
enum class Choice {
    nothing,
    files,
    apps,
    releases,
    config_names,
    config_assignments, // NAME=
    settings,           // KEY=
    processes,
    process_counts, // TYPE=
};

struct Completion {
    std::vector<Candidate> candidates; // what the table itself knows
    Choice choice = Choice::nothing;   // what else belongs here
    std::string before;                // what each of that has before it in its word: "--app="
    std::string typed;                 // how it begins
    std::optional<std::string> app;    // -a and --root, as far as they were typed
    std::optional<std::string> root;
};

// `words` are all behind the program's name; the last one is being typed, and may be empty. Never
// throws for what was typed: where nothing fits, there is nothing to offer.
[[nodiscard]] Completion completion_of(const std::vector<std::string>& words);

// The script for "bash", "zsh" or "fish"; nothing for any other shell.
[[nodiscard]] std::optional<std::string_view> completion_script(std::string_view shell);

} // namespace shipit::cmd

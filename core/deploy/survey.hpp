// What a source tree tells of how it wants to be run: by the files that each kind of app has.
#pragma once

#include "core/deploy/source_tree.hpp"

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace shipit::deploy {

struct Clue {
    std::string file;
    std::string what; // foreign text in it: for printable()
};

// A value for a key of shipit.toml, and why it has it.
struct Proposal {
    std::string key; // "processes.web.command"
    std::variant<std::string, std::int64_t, std::vector<std::string>> value;
    std::string why;
    bool counts = true; // false: it is written as a comment, for somebody to take up
};

struct Survey {
    std::vector<Clue> found;
    std::vector<std::string> notes; // what somebody had better know or do
    std::vector<Proposal> proposals;
    std::vector<std::string> build_steps; // what makes a build of a checkout, in this order
    std::vector<std::string> shared;
    std::string name; // what it calls itself; empty: nothing
    bool has_processes = false;
    bool has_release_command = false;
    bool is_files_only = false;

    [[nodiscard]] const Proposal* proposal(std::string_view key) const;
};

// All that is known of `tree`. Of two kinds in one tree (a Rails app with a package.json) the first
// says what runs, and both say how it is built. Values hold text of the tree only where that is
// letters, digits and a few harmless characters.
//
// Throws Error (usage) for a Procfile that is wrong: no deploy would take it either.
[[nodiscard]] Survey survey(SourceTree& tree);

} // namespace shipit::deploy

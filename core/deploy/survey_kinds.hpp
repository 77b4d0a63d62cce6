// The kinds of apps that a survey knows, each by its own files: functions that add to a Survey what
// they see. Internal to survey.cpp and its siblings.
#pragma once

#include "core/config/procfile.hpp"
#include "core/deploy/survey.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace shipit::deploy {

// A survey under way.
struct Surveyor {
    SourceTree& tree;
    Survey survey;
    std::vector<config::ProcfileEntry> procfile = {};
    bool has_told_of_database = false;

    void found(std::string file, std::string what);
    void note(std::string text);
    // The first that says what `web` runs, and what the release command is, is right.
    void serve(std::string command, std::string why);
    void release(std::string command, std::string why);
    void propose(std::string key, std::string value, std::string why, bool counts = true);
};

void look_at_django(Surveyor& at);
void look_at_ruby(Surveyor& at);
void look_at_php(Surveyor& at);
void look_at_go(Surveyor& at);
void look_at_node(Surveyor& at);

// Whether `name` stands in `text` as a word of its own, in a line that does not begin with '#'.
[[nodiscard]] bool mentions(std::string_view text, std::string_view name);
// Whether all of `text` is letters, digits, '.', '_' and '-', and of the characters `others`: what
// may become part of a command. An empty one is not, nor one that begins with '-'.
[[nodiscard]] bool is_harmless(std::string_view text, std::string_view others = {});

} // namespace shipit::deploy

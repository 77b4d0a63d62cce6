// One command of shipit as a table: from it come parsing, --help, the list of commands, and the
// check that man pages agree.
//
// How to add a command:
//   1. a file cmd/NAME.cpp with a `const Command NAME_command` (options beside run, no logic);
//   2. its line in cmd/commands.cpp, and the file in cmd/CMakeLists.txt;
//   3. its page man/shipit-NAME.1, and its line in man/shipit.1;
//   4. what it does in core/deploy, with a unit test;
//   5. a scenario in tests/e2e.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace shipit::cmd {

class Invocation;

struct Option {
    std::string_view names; // "-m,--message"; the long name without dashes is its key
    std::string_view value; // "TEXT"; empty for a switch; "[TIME]" where the value may be left out
    std::string_view help;
};

struct Argument {
    std::string_view name; // "BUILD"
    enum class Number { one, optional, some, any } number = Number::one;
};

struct Command {
    std::string_view name; // "deploy", "config set"
    std::string_view summary;
    std::vector<Argument> arguments;
    std::vector<Option> options;
    std::vector<std::string_view> examples; // lines as typed
    int (*run)(Invocation&);                // gives the exit status; throws Error
    bool internal = false;                  // not in the list of commands
    bool takes_command_line = false;        // all that follows the first argument is one (run)
};

// What was typed, taken apart.
class Arguments {
  public:
    [[nodiscard]] bool has(std::string_view option) const;
    // The option's value; nothing if it was not given (or given without its optional value).
    [[nodiscard]] std::optional<std::string> text(std::string_view option) const;
    // The keys of the options that were given.
    [[nodiscard]] std::vector<std::string> options() const;
    // The arguments that are no options, in order.
    [[nodiscard]] std::span<const std::string> words() const { return m_words; }
    [[nodiscard]] std::optional<std::string> word(std::size_t index) const;

    void add(std::string option, std::optional<std::string> value);
    void add_word(std::string word) { m_words.push_back(std::move(word)); }

  private:
    struct Given {
        std::string option;
        std::optional<std::string> value;
    };
    std::vector<Given> m_options; // the last one of a name counts
    std::vector<std::string> m_words;
};

// Options that every command takes, before or after its name.
[[nodiscard]] std::span<const Option> common_options();

// Takes the rest of a command line (without program and command name) apart. Throws Error (usage)
// that names the option or argument that is wrong, and the one that was probably meant.
[[nodiscard]] Arguments parse(const Command& command, std::vector<std::string> words);

// A word of a command line without what is behind '=', which may be a secret: for errors.
[[nodiscard]] std::string without_value(const std::string& word);

// "usage: shipit deploy [BUILD] [-m TEXT] …", options, examples.
[[nodiscard]] std::string usage_line(const Command& command);
[[nodiscard]] std::string help_text(const Command& command);
// Its page of the manual: "shipit-config-set".
[[nodiscard]] std::string page_of(const Command& command);

} // namespace shipit::cmd

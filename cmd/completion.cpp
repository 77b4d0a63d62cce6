#include "cmd/completion.hpp"

#include "cmd/commands.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <array>

namespace shipit::cmd {

namespace {

struct Meaning {
    std::string_view name; // as usage lines have it
    Choice choice;
};
constexpr std::array meanings{
    Meaning{"APP", Choice::apps},
    Meaning{"BUILD", Choice::files},
    Meaning{"FILE", Choice::files},
    Meaning{"DIR", Choice::files},
    Meaning{"vN", Choice::releases},
    Meaning{"vA", Choice::releases},
    Meaning{"vB", Choice::releases},
    Meaning{"RELEASE", Choice::releases},
    Meaning{"NAME[=VALUE|@FILE]", Choice::config_assignments},
    Meaning{"KEY=VALUE", Choice::settings},
    Meaning{"PROCESS", Choice::processes},
    Meaning{"TYPE=COUNT", Choice::process_counts},
};

struct FixedValues {
    std::string_view name;
    std::string_view values; // apart by blanks
};
constexpr std::array fixed_values{
    FixedValues{"WHEN", "auto always never"},
    FixedValues{"SHELL", "bash zsh fish"},
};

Choice choice_of(std::string_view name) {
    const auto found = std::find_if(meanings.begin(), meanings.end(),
                                    [name](const Meaning& m) { return m.name == name; });
    return found != meanings.end() ? found->choice : Choice::nothing;
}

// Goes along the words as the parser would, but lets pass what the parser refuses.
class Reader {
  public:
    explicit Reader(Completion& result) : m_result(result) {}

    void take(const std::string& word) {
        if (m_wants_value != nullptr) {
            note(*m_wants_value, word);
            m_wants_value = nullptr;
        } else if (!m_only_words && word == "--") {
            m_only_words = true;
        } else if (!m_only_words && word.size() > 1 && word.front() == '-') {
            take_option(word);
        } else {
            take_word(word);
        }
    }

    // Fills in what `word`, the last one, can become.
    void finish(const std::string& word) {
        if (m_wants_value != nullptr)
            offer_value(m_wants_value->value, "", word);
        else if (!m_only_words && !word.empty() && word.front() == '-')
            finish_option(word);
        else
            finish_word(word);
    }

  private:
    [[nodiscard]] std::vector<const Option*> options() const {
        std::vector<const Option*> result;
        if (m_command != nullptr)
            for (const Option& option : m_command->options)
                result.push_back(&option);
        for (const Option& option : common_options())
            result.push_back(&option);
        return result;
    }

    [[nodiscard]] const Option* option_named(std::string_view typed) const {
        for (const Option* option : options())
            for (const std::string_view name : split(option->names, ','))
                if (name == typed)
                    return option;
        return nullptr;
    }

    void note(const Option& option, const std::string& value) {
        if (option.names == "-a,--app")
            m_result.app = value;
        else if (option.names == "--root")
            m_result.root = value;
    }

    void take_option(const std::string& word) {
        const auto equals = word.find('=');
        const Option* option = option_named(word.substr(0, equals));
        if (option == nullptr && word[1] != '-' && word.size() > 2) { // -aAPP
            option = option_named(word.substr(0, 2));
            if (option != nullptr && !option->value.empty())
                note(*option, word.substr(2));
        } else if (option != nullptr && equals != std::string::npos) {
            note(*option, word.substr(equals + 1));
        } else if (option != nullptr && !option->value.empty() && option->value.front() != '[') {
            m_wants_value = option;
        }
    }

    [[nodiscard]] bool may_become_longer() const { return m_words == 0 && !m_only_words; }

    void take_word(const std::string& word) {
        const std::string longer = m_name.empty() ? word : m_name + " " + word;
        const Command* command = may_become_longer() ? command_named(longer) : nullptr;
        if (command != nullptr && command->name == "help") { // whose words are a command's name
            m_is_help = true;
        } else if (command != nullptr || (m_command == nullptr && m_name.empty())) {
            m_command = command;
            m_name = command != nullptr ? std::string(command->name) : word;
        } else {
            ++m_words;
            m_only_words = m_only_words || (m_command != nullptr && m_command->takes_command_line);
        }
    }

    void add(std::string text, std::string_view typed, std::string_view description) {
        auto& all = m_result.candidates;
        const bool is_there = std::any_of(all.begin(), all.end(),
                                          [&text](const Candidate& c) { return c.text == text; });
        if (text.starts_with(typed) && !is_there)
            all.push_back({std::move(text), std::string(description)});
    }

    void finish_option(const std::string& word) {
        const auto equals = word.find('=');
        if (equals != std::string::npos) {
            if (const Option* option = option_named(word.substr(0, equals)))
                offer_value(option->value, word.substr(0, equals + 1), word.substr(equals + 1));
            return;
        }
        for (const Option* option : options())
            for (const std::string_view name : split(option->names, ','))
                if (name.size() > 2 || name == word) // of both names the one that says more
                    add(std::string(name), word, option->help);
    }

    // The next words of commands that begin with what was typed.
    void offer_commands(const std::string& word) {
        const std::string before = m_name.empty() ? "" : m_name + " ";
        for (const Command* command : all_commands()) {
            if (command->internal || !command->name.starts_with(before))
                continue;
            const std::string_view rest = command->name.substr(before.size());
            add(std::string(rest.substr(0, rest.find(' '))), word, command->summary);
        }
    }

    void finish_word(const std::string& word) {
        if (may_become_longer())
            offer_commands(word);
        if (m_command == nullptr || m_is_help || m_command->arguments.empty())
            return;
        if (m_command->takes_command_line) {
            m_result.choice = Choice::files;
            return;
        }
        const auto& arguments = m_command->arguments;
        const Argument& last = arguments.back();
        const bool repeats =
            last.number == Argument::Number::some || last.number == Argument::Number::any;
        if (m_words >= arguments.size() && !repeats)
            return;
        offer_argument(arguments[std::min(m_words, arguments.size() - 1)].name, word);
    }

    void offer_argument(std::string_view name, const std::string& word) {
        if (m_command->name == "create") // a name that is not taken
            return;
        if (name == "NAME" && m_command->name.starts_with("config")) {
            m_result.choice = Choice::config_names;
            m_result.typed = word;
            return;
        }
        offer_value(name, "", word);
    }

    void offer_value(std::string_view name, const std::string& before, const std::string& typed) {
        m_result.choice = choice_of(name);
        m_result.before = before;
        m_result.typed = typed;
        for (const FixedValues& fixed : fixed_values)
            if (fixed.name == name)
                for (const std::string_view value : split(fixed.values, ' '))
                    add(before + std::string(value), before + typed, "");
    }

    Completion& m_result;
    const Command* m_command = nullptr;
    std::string m_name;      // of the command, as far as it was typed
    std::size_t m_words = 0; // of its arguments
    bool m_only_words = false;
    bool m_is_help = false;
    const Option* m_wants_value = nullptr;
};

} // namespace

Completion completion_of(const std::vector<std::string>& words) {
    Completion result;
    Reader reader(result);
    for (std::size_t i = 0; i + 1 < words.size(); ++i)
        reader.take(words[i]);
    reader.finish(words.empty() ? "" : words.back());
    return result;
}

} // namespace shipit::cmd

// CLI11 parses; what it does not do well stays behind the table: its exit codes, its help, and
// silence about what was probably meant (notes in command.hpp).
#include "cmd/command.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <deque>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

namespace shipit::cmd {

namespace {

const std::vector<Option> options_of_all{
    {"-a,--app", "APP", "the app (else SHIPIT_APP, 'name' in ./shipit.toml, or the only app)"},
    {"--root", "DIR", "where apps live (else SHIPIT_ROOT)"},
    {"--json", "", "print the result as JSON"},
    {"-q,--quiet", "", "print errors only"},
    {"-v,--verbose", "", "tell more on standard error"},
    {"--color", "WHEN", "auto, always or never"},
    {"-h,--help", "", "show this help"},
};

// The long name without dashes: the option's key.
std::string key_of(const Option& option) {
    const auto dashes = option.names.rfind("--");
    return std::string(option.names.substr(dashes + 2));
}

bool value_may_be_left_out(const Option& option) {
    return !option.value.empty() && option.value.front() == '[';
}

std::vector<Option> all_options(const Command& command) {
    std::vector<Option> result = command.options;
    result.insert(result.end(), options_of_all.begin(), options_of_all.end());
    return result;
}

[[noreturn]] void refuse(const Command& command, const std::string& why, const std::string& next) {
    throw Error(why, Outcome::usage)
        .advise(next.empty() ? fmt::format("see 'shipit {} --help'", command.name) : next);
}

// As an error shows it where it is no option: that something was behind '=' helps.
std::string shown(const std::string& word) {
    const std::string name = without_value(word);
    return printable(name == word ? word : name + "=...");
}

// CLI11 says of options without their value "--message: 1 required TEXT missing".
[[noreturn]] void refuse_lack_of_value(const Command& command, const std::string& complaint) {
    const std::string name = complaint.substr(0, complaint.find(':'));
    for (const Option& option : all_options(command))
        for (const std::string_view each : split(option.names, ','))
            if (each == name)
                refuse(command, fmt::format("'{}' needs {}", name, option.value), "");
    refuse(command, printable(complaint), "");
}

[[noreturn]] void refuse_extra(const Command& command, const std::string& extra) {
    if (extra.size() < 2 || extra.front() != '-')
        refuse(command, fmt::format("'shipit {}' does not take '{}'", command.name, shown(extra)),
               usage_line(command));
    std::vector<std::string> names;
    for (const Option& option : all_options(command))
        for (const std::string_view name : split(option.names, ','))
            names.emplace_back(name);
    const std::string typed = without_value(extra);
    constexpr std::size_t one_letter = 2; // "-w" is as near to one as to another
    const auto meant = typed.size() > one_letter ? nearest(typed, names) : std::nullopt;
    refuse(command, fmt::format("'shipit {}' has no option '{}'", command.name, printable(typed)),
           meant ? fmt::format("did you mean '{}'?", *meant) : "");
}

std::size_t most_words(const Command& command) {
    std::size_t result = 0;
    for (const Argument& argument : command.arguments) {
        if (argument.number == Argument::Number::some || argument.number == Argument::Number::any)
            return SIZE_MAX;
        ++result;
    }
    return result;
}

void check_words(const Command& command, const Arguments& arguments) {
    std::size_t needed = 0;
    for (const Argument& argument : command.arguments) {
        const bool required =
            argument.number == Argument::Number::one || argument.number == Argument::Number::some;
        if (required && arguments.words().size() <= needed)
            refuse(command, fmt::format("'shipit {}' needs {}", command.name, argument.name),
                   usage_line(command));
        ++needed;
    }
    if (arguments.words().size() > most_words(command))
        refuse_extra(command, arguments.words()[most_words(command)]);
}

// CLI11 wants its values to outlive the parse; a deque does not move them.
struct Binding {
    Option option;
    CLI::Option* parsed = nullptr;
    std::string value;
};

// CLI11 gives a flag a value only behind '=' (as GNU getopt does for optional ones): with an
// option, `deploy --wait build` would wait for "build".
void bind(CLI::App& app, Binding& binding) {
    const std::string names(binding.option.names);
    if (binding.option.value.empty() || value_may_be_left_out(binding.option))
        binding.parsed = app.add_flag(names + "{}", binding.value);
    else
        binding.parsed = app.add_option(names, binding.value);
    binding.parsed->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

std::optional<std::string> value_of(const Binding& binding) {
    if (binding.option.value.empty() ||
        (binding.value.empty() && value_may_be_left_out(binding.option)))
        return std::nullopt;
    return binding.value;
}

// CLI11 would take `--force=no` for `--force`.
void refuse_value_of_flag(const Command& command, const std::string& word) {
    const std::string typed = without_value(word);
    if (typed.size() == word.size() || !word.starts_with('-'))
        return;
    for (const Option& option : all_options(command))
        for (const std::string_view name : split(option.names, ','))
            if (option.value.empty() && name == typed)
                refuse(command, fmt::format("'{}' takes no value", typed),
                       fmt::format("write '{}' alone, or leave it out", typed));
}

bool is_empty_value(const Command& command, const std::string& word) {
    for (const Option& option : all_options(command))
        if (!option.value.empty() && !value_may_be_left_out(option) &&
            word == "--" + key_of(option) + "=")
            return true;
    return false;
}

// What CLI11 would misread. With nothing behind '=', it takes the next word for the value: `deploy
// --message= build` would deploy the working folder.
std::vector<std::string> values_made_plain(const Command& command, std::vector<std::string> words) {
    std::vector<std::string> result;
    bool is_over = false; // what follows is no option of ours
    for (std::string& word : words) {
        is_over = is_over || word == "--" || (command.takes_command_line && !word.starts_with('-'));
        if (!is_over)
            refuse_value_of_flag(command, word);
        const bool is_empty = !is_over && is_empty_value(command, word);
        if (is_empty)
            word.pop_back();
        result.push_back(std::move(word));
        if (is_empty)
            result.emplace_back();
    }
    return result;
}

// What CLI11 left: arguments, and options that there are not.
void take_words(const Command& command, const std::vector<std::string>& words,
                Arguments& arguments) {
    bool only_words = false;
    for (const std::string& word : words) {
        if (word == "--" && !only_words) {
            only_words = true;
            continue;
        }
        if (!only_words && word.size() > 1 && word.front() == '-')
            refuse_extra(command, word);
        only_words = only_words || command.takes_command_line;
        arguments.add_word(word);
    }
}

std::string argument_text(const Argument& argument) {
    switch (argument.number) {
    case Argument::Number::one:
        return std::string(argument.name);
    case Argument::Number::optional:
        return fmt::format("[{}]", argument.name);
    case Argument::Number::some:
        return fmt::format("{}...", argument.name);
    case Argument::Number::any:
        return fmt::format("[{}...]", argument.name);
    }
    return {};
}

std::string option_text(const Option& option) {
    const auto names = split(option.names, ',');
    const std::string_view shortest = names.front();
    if (option.value.empty())
        return std::string(shortest);
    if (value_may_be_left_out(option))
        return fmt::format("{}[={}]", shortest, option.value.substr(1, option.value.size() - 2));
    return fmt::format("{} {}", shortest, option.value);
}

std::string option_lines(std::span<const Option> options) {
    std::string result;
    for (const Option& option : options) {
        std::string names;
        for (const std::string_view name : split(option.names, ','))
            names += (names.empty() ? "" : ", ") + std::string(name);
        if (value_may_be_left_out(option))
            names += fmt::format("[={}]", option.value.substr(1, option.value.size() - 2));
        else if (!option.value.empty())
            names += fmt::format(" {}", option.value);
        result += fmt::format("  {:<22} {}\n", names, option.help);
    }
    return result;
}

} // namespace

bool Arguments::has(std::string_view option) const {
    return std::any_of(m_options.begin(), m_options.end(),
                       [option](const Given& given) { return given.option == option; });
}

std::optional<std::string> Arguments::text(std::string_view option) const {
    for (auto given = m_options.rbegin(); given != m_options.rend(); ++given)
        if (given->option == option)
            return given->value;
    return std::nullopt;
}

std::vector<std::string> Arguments::options() const {
    std::vector<std::string> keys;
    for (const Given& given : m_options)
        keys.push_back(given.option);
    return keys;
}

std::optional<std::string> Arguments::word(std::size_t index) const {
    if (index >= m_words.size())
        return std::nullopt;
    return m_words[index];
}

void Arguments::add(std::string option, std::optional<std::string> value) {
    m_options.push_back({std::move(option), std::move(value)});
}

std::string without_value(const std::string& word) {
    return word.substr(0, word.find('='));
}

std::span<const Option> common_options() {
    return options_of_all;
}

Arguments parse(const Command& command, std::vector<std::string> words) {
    words = values_made_plain(command, std::move(words));
    CLI::App app;
    app.set_help_flag();
    app.allow_extras();
    if (command.takes_command_line)
        app.prefix_command();
    std::deque<Binding> bindings;
    for (const Option& option : all_options(command))
        bind(app, bindings.emplace_back(Binding{option, nullptr, {}}));
    std::reverse(words.begin(), words.end()); // CLI11 takes them from the back
    try {
        app.parse(words);
    } catch (const CLI::ArgumentMismatch& error) {
        refuse_lack_of_value(command, error.what());
    } catch (const CLI::ParseError& error) {
        refuse(command, printable(error.what()), "");
    }
    Arguments arguments;
    for (const Binding& binding : bindings)
        if (binding.parsed->count() > 0)
            arguments.add(key_of(binding.option), value_of(binding));
    take_words(command, app.remaining(), arguments);
    if (!arguments.has("help"))
        check_words(command, arguments);
    return arguments;
}

std::string usage_line(const Command& command) {
    std::string result = fmt::format("usage: shipit {}", command.name);
    for (const Option& option : command.options)
        result += fmt::format(" [{}]", option_text(option));
    for (const Argument& argument : command.arguments)
        result += " " + argument_text(argument);
    return result;
}

std::string page_of(const Command& command) {
    std::string page = fmt::format("shipit-{}", command.name);
    std::replace(page.begin(), page.end(), ' ', '-');
    return page;
}

std::string help_text(const Command& command) {
    std::string result = fmt::format("{}\n\n{}\n", usage_line(command), command.summary);
    if (!command.options.empty())
        result += "\noptions:\n" + option_lines(command.options);
    if (!command.examples.empty())
        result += "\nexamples:\n";
    for (const std::string_view example : command.examples)
        result += fmt::format("  {}\n", example);
    result += "\noptions of every command:";
    for (const Option& option : options_of_all)
        result += fmt::format("{} {}", &option == &options_of_all.front() ? "" : ",",
                              option_text(option));
    return result + fmt::format("\n'shipit help {}' tells more\n", command.name);
}

} // namespace shipit::cmd

#include "cmd/receive_policy.hpp"

#include "cmd/commands.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/supervise/words.hpp"

#include <algorithm>
#include <array>

#include <fmt/core.h>

namespace shipit::cmd {

namespace {

constexpr std::size_t longest_command = 4096;
constexpr std::size_t longest_quote = 160;

enum class Takes { nothing, standard_input, release, releases };

struct Permission {
    std::string_view command;
    std::vector<std::string_view> options; // beside those that all may have
    Takes takes;
};

// --force is not among them: it overrides what people have decided, and a key is for machines. Nor
// is what shows config vars, or what the app's processes write.
const std::array permissions{
    Permission{"deploy",
               {"message", "no-activate", "trial", "dry-run", "no-wait", "wait"},
               Takes::standard_input},
    Permission{"activate", {"message", "trial", "no-wait", "wait"}, Takes::release},
    Permission{"rollback",
               {"check", "undo", "code-only", "config-only", "message", "no-wait", "wait"},
               Takes::release},
    Permission{"releases", {"num", "graph"}, Takes::nothing},
    Permission{"info", {}, Takes::release},
    Permission{"why", {}, Takes::release},
    Permission{"output", {"follow"}, Takes::release},
    Permission{"diff", {"stat", "name-only"}, Takes::releases},
    Permission{"status", {}, Takes::nothing},
};
constexpr std::array options_of_all{"app", "json", "quiet", "color"};

[[noreturn]] void refuse(const std::string& why) {
    throw Error(why, Outcome::usage);
}

// A release's number or the name of its pin; no path, no option.
bool is_release_word(std::string_view word) {
    constexpr std::size_t longest = 63;
    const auto is_plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_' || c == '.';
    };
    return !word.empty() && word.size() <= longest && word.front() != '-' && word.front() != '.' &&
           std::all_of(word.begin(), word.end(), is_plain);
}

void require_words(const Permission& permission, std::span<const std::string> words) {
    if (permission.takes == Takes::standard_input) {
        if (words.size() != 1 || words[0] != "-")
            refuse("it may deploy nothing but standard input: deploy -");
        return;
    }
    const std::size_t most = permission.takes == Takes::nothing    ? 0
                             : permission.takes == Takes::releases ? 2
                                                                   : 1;
    if (words.size() > most || !std::all_of(words.begin(), words.end(), is_release_word))
        refuse(fmt::format("'{}' takes {} here", permission.command,
                           most == 0 ? "nothing" : "releases by number or by the name of a pin"));
}

void require_options(const Permission& permission, const Arguments& arguments, const AppName& app) {
    for (const std::string& option : arguments.options()) {
        const bool is_permitted = std::find(options_of_all.begin(), options_of_all.end(), option) !=
                                      options_of_all.end() ||
                                  std::find(permission.options.begin(), permission.options.end(),
                                            option) != permission.options.end();
        if (!is_permitted)
            refuse(fmt::format("it may not use '--{}' with '{}'", option, permission.command));
    }
    if (arguments.has("app") && arguments.text("app") != app.text())
        refuse(fmt::format("it is for '{}' alone", app.text()));
}

std::vector<std::string> rebuilt(const Permission& permission, const Arguments& arguments) {
    std::vector<std::string> words{std::string(permission.command)};
    for (const std::string& option : arguments.options()) {
        if (option == "app") // said by the key
            continue;
        const auto value = arguments.text(option);
        words.push_back(value ? fmt::format("--{}={}", option, *value) : "--" + option);
    }
    if (!arguments.words().empty())
        words.emplace_back("--");
    words.insert(words.end(), arguments.words().begin(), arguments.words().end());
    return words;
}

std::vector<std::string> permitted_command(const AppName& app, std::vector<std::string> words) {
    const CommandLine line = find_command(std::move(words));
    if (line.command == nullptr)
        refuse("it says no command");
    const auto* const permission =
        std::find_if(permissions.begin(), permissions.end(),
                     [&](const Permission& each) { return each.command == line.command->name; });
    if (permission == permissions.end())
        refuse(fmt::format("it may not use '{}'", line.command->name));
    const Arguments arguments = parse(*line.command, line.words);
    require_options(*permission, arguments, app);
    require_words(*permission, arguments.words());
    return rebuilt(*permission, arguments);
}

// git's clients name the repository as a path; there is one only.
void require_repository(const AppName& app, std::string_view path) {
    while (path.starts_with('/') || path.starts_with("~/"))
        path.remove_prefix(path.find('/') + 1);
    if (path.ends_with(".git"))
        path.remove_suffix(4);
    if (path != app.text())
        refuse(fmt::format("its only repository is '{}'", app.text()));
}

std::vector<std::string> words_of(std::string_view original) {
    if (original.size() > longest_command)
        refuse(fmt::format("the command is longer than {} bytes", longest_command));
    if (printable(original) != original)
        refuse("there are control characters in the command, or bytes that are no text");
    auto words = supervise::plain_words(original);
    if (!words)
        refuse(trimmed(original).empty() ? "it says no command"
                                         : "the command would need a shell, and there is none");
    return std::move(*words);
}

} // namespace

Permitted permitted(const AppName& app, std::string_view original) {
    auto words = words_of(original);
    const std::string program = words.front();
    words.erase(words.begin());
    if (program == "git-receive-pack" && words.size() == 1) {
        require_repository(app, words[0]);
        return {Permitted::What::git_push, {}};
    }
    if (program != "shipit")
        refuse("it runs no program but shipit");
    if (!words.empty() && words[0] == "receive") {
        if (std::find(words.begin(), words.end(), "--force") != words.end())
            refuse("it may not use '--force' with 'push'");
        if (words.size() != 2 || words[1] != app.text())
            refuse(fmt::format("it may push to '{}' alone: receive {}", app.text(), app.text()));
        return {Permitted::What::push, {}};
    }
    return {Permitted::What::command, permitted_command(app, std::move(words))};
}

std::vector<std::string> hostile_variables(std::span<const std::string> environment) {
    std::vector<std::string> names;
    for (const std::string& variable : environment) {
        const std::string name = variable.substr(0, variable.find('='));
        const bool is_hostile = name.starts_with("LD_") || name.starts_with("SHIPIT_") ||
                                name.starts_with("BASH_") || name == "ENV" || name == "GCONV_PATH";
        if (is_hostile)
            names.push_back(name);
    }
    return names;
}

std::string quotable(std::string_view original) {
    std::string result;
    for (const std::string_view word : split(original.substr(0, longest_command), ' ')) {
        const auto end = word.find('=');
        result += result.empty() ? "" : " ";
        result += end == std::string_view::npos ? std::string(word)
                                                : std::string(word.substr(0, end)) + "=...";
    }
    return shortened(printable(result), longest_quote);
}

} // namespace shipit::cmd

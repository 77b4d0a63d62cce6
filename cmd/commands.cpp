#include "cmd/commands.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <array>

#include <fmt/core.h>

namespace shipit::cmd {

extern const Command activate_command, apps_command, bless_command, complete_command,
    completion_command, config_command, config_edit_command, config_export_command,
    config_get_command, config_import_command, config_set_command, config_unset_command,
    create_command, deploy_command, destroy_command, diff_command, doctor_command, events_command,
    help_command, hold_command, hook_command, info_command, init_command, logs_command,
    mark_bad_command, output_command, pin_command, prune_command, ps_command, releases_command,
    report_command, restart_command, rollback_command, run_command, scale_command, set_command,
    start_command, status_command, stop_command, supervise_command, unpin_command, verify_command,
    version_command, why_command;
// Over ssh.
extern const Command push_command, receive_command, key_add_command, key_list_command,
    key_remove_command, git_init_command, git_hook_command;
// To and from other hosts, by files.
extern const Command export_command, import_command;

namespace {

const std::array commands{
    &create_command,        &apps_command,        &set_command,          &destroy_command,
    &deploy_command,        &rollback_command,    &bless_command,        &mark_bad_command,
    &hold_command,          &pin_command,         &unpin_command,        &releases_command,
    &info_command,          &output_command,      &diff_command,         &config_command,
    &config_get_command,    &config_set_command,  &config_unset_command, &config_import_command,
    &config_export_command, &config_edit_command, &status_command,       &ps_command,
    &logs_command,          &start_command,       &stop_command,         &restart_command,
    &scale_command,         &run_command,         &prune_command,        &verify_command,
    &doctor_command,        &hook_command,        &supervise_command,    &help_command,
    &version_command,       &why_command,         &events_command,       &receive_command,
    &key_add_command,       &key_list_command,    &key_remove_command,   &git_init_command,
    &git_hook_command,      &push_command,        &completion_command,   &complete_command,
    &init_command,          &report_command,      &export_command,       &import_command,
    &activate_command,
};

struct Group {
    std::string_view title;
    std::vector<std::string_view> names;
};

const std::vector<Group> groups{
    {"apps", {"init", "create", "apps", "set", "destroy"}},
    {"releases",
     {"deploy", "activate", "rollback", "releases", "info", "why", "output", "diff", "bless",
      "mark-bad", "hold", "pin", "unpin", "events", "report"}},
    {"config vars",
     {"config", "config get", "config set", "config unset", "config edit", "config import",
      "config export"}},
    {"processes", {"status", "ps", "logs", "start", "stop", "restart", "scale", "run"}},
    {"care", {"prune", "verify", "doctor"}},
    {"over ssh", {"push", "receive", "key add", "key list", "key remove", "git-init"}},
    {"other hosts", {"export", "import"}},
    {"shipit itself", {"completion", "help", "version"}},
};

// Heroku's spellings whose command has another name here; the rest only swap ':' for a space.
struct Alias {
    std::string_view typed;
    std::string_view name;
};
constexpr std::array aliases{
    Alias{"apps:create", "create"},
    Alias{"apps:destroy", "destroy"},
    Alias{"apps:info", "status"},
    Alias{"releases:info", "info"},
    Alias{"releases:output", "output"},
    Alias{"releases:rollback", "rollback"},
    Alias{"releases:activate", "activate"},
    Alias{"ps:restart", "restart"},
    Alias{"ps:stop", "stop"},
    Alias{"ps:start", "start"},
    Alias{"ps:scale", "scale"},
    Alias{"--version", "version"},
    Alias{"dyno:restart", "restart"},
    Alias{"config:get", "config get"},
    Alias{"config:set", "config set"},
    Alias{"config:unset", "config unset"},
    Alias{"config:edit", "config edit"},
    Alias{"config:import", "config import"},
    Alias{"config:export", "config export"},
};

const Command* named(std::string_view name) {
    for (const Alias& alias : aliases)
        if (alias.typed == name)
            name = alias.name;
    const auto found = std::find_if(commands.begin(), commands.end(),
                                    [name](const Command* c) { return c->name == name; });
    return found != commands.end() ? *found : nullptr;
}

[[noreturn]] void refuse_unknown(const std::string& typed) {
    std::vector<std::string> names;
    for (const Command* command : commands)
        if (!command->internal)
            names.emplace_back(command->name);
    const auto meant = nearest(typed, names);
    throw Error(fmt::format("unknown command '{}'", printable(without_value(typed))),
                Outcome::usage)
        .advise(meant ? fmt::format("did you mean '{}'?", *meant)
                      : "'shipit help' lists the commands");
}

// `config sett` is no `config` with an argument: refused here, with what was meant.
void refuse_subcommand_like(const std::string& command, const std::string& word) {
    std::vector<std::string> names; // without the command's
    for (const Command* each : commands)
        if (each->name.substr(0, command.size() + 1) == command + " ")
            names.emplace_back(each->name.substr(command.size() + 1));
    if (names.empty() || word.rfind('-', 0) == 0 || word.find('=') != std::string::npos)
        return;
    const auto meant = nearest(word, names);
    throw Error(fmt::format("unknown command '{} {}'", command, printable(word)), Outcome::usage)
        .advise(meant ? fmt::format("did you mean '{} {}'?", command, *meant)
                      : fmt::format("'shipit {0}' shows what there is; see also 'shipit help {0}'",
                                    command));
}

// Whether `word` is the option `name` with its value: -aAPP, --app=APP.
bool is_attached(std::string_view word, std::string_view name) {
    constexpr std::size_t short_name = 2; // "-a"
    return word.size() > name.size() && word.substr(0, name.size()) == name &&
           (name.size() == short_name || word[name.size()] == '=');
}

std::size_t words_of(const Option& option, std::string_view word) {
    for (const std::string_view name : split(option.names, ',')) {
        if (word == name)
            return option.value.empty() ? 1 : 2;
        if (!option.value.empty() && is_attached(word, name))
            return 1;
    }
    return 0;
}

// How many words a common option before the command's name takes; 0 if `word` is none.
std::size_t words_of_common_option(std::string_view word) {
    for (const Option& option : common_options())
        if (const std::size_t words = words_of(option, word); words > 0)
            return words;
    // Several of one letter in a word: -qv, and -qa APP.
    constexpr std::size_t first = 2; // "-q"
    if (word.size() > first && word[first] != '-' &&
        words_of_common_option(word.substr(0, first)) == 1)
        return words_of_common_option("-" + std::string(word.substr(first)));
    return 0;
}

} // namespace

std::span<const Command* const> all_commands() {
    return commands;
}

const Command* command_named(std::string_view name) {
    return named(name);
}

CommandLine find_command(std::vector<std::string> words) {
    std::size_t at = 0;
    while (at < words.size() && words[at] != "--version") {
        const std::size_t taken = words_of_common_option(words[at]);
        if (taken == 0)
            break;
        if (at + taken > words.size())
            throw Error(fmt::format("'{}' needs a value", printable(words[at])), Outcome::usage)
                .advise("see 'shipit --help'");
        at += taken;
    }
    if (at >= words.size())
        return {nullptr, std::move(words)};
    const auto position = [&words](std::size_t i) {
        return words.begin() + static_cast<std::ptrdiff_t>(i);
    };
    if (at + 1 < words.size())
        if (const Command* command = named(words[at] + " " + words[at + 1])) {
            words.erase(position(at), position(at + 2));
            return {command, std::move(words)};
        }
    const Command* command = named(words[at]);
    if (command != nullptr && at + 1 < words.size())
        refuse_subcommand_like(words[at], words[at + 1]);
    if (command == nullptr && words[at].rfind('-', 0) == 0)
        throw Error(fmt::format("unknown option '{}'", printable(without_value(words[at]))),
                    Outcome::usage)
            .advise("'shipit help' lists the commands and the options of all of them");
    if (command == nullptr)
        refuse_unknown(words[at]);
    words.erase(position(at));
    return {command, std::move(words)};
}

std::string overview() {
    std::string text = "shipit: releases and rollback for the programs of one Linux host\n\n"
                       "usage: shipit [-a APP] COMMAND ...\n";
    for (const Group& group : groups) {
        text += fmt::format("\n{}\n", group.title);
        for (const std::string_view name : group.names)
            text += fmt::format("  {:<14} {}\n", name, named(name)->summary);
    }
    return text +
           "\nexamples:\n"
           "  shipit create blog\n"
           "  shipit -a blog deploy ./build -m 'New front page'\n"
           "  shipit -a blog rollback\n\n"
           "'shipit COMMAND -h' is short, 'shipit help COMMAND' opens its page of the manual.\n";
}

} // namespace shipit::cmd

// config, config get, config set, config unset.
#include "cmd/changes.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/config/config_vars.hpp"
#include "core/deploy/config_change.hpp"

#include <algorithm>
#include <iostream>
#include <iterator>

#include <fmt/core.h>
#include <termios.h>
#include <unistd.h>

namespace shipit::cmd {

namespace {

int show(Invocation& invocation) {
    const auto app = invocation.app();
    const ConfigVars vars = config::load_config(app.layout.config_toml());
    const bool reveal = invocation.arguments.has("reveal");
    Json values = Json::object();
    for (const auto& [name, value] : vars)
        values.set(name, reveal ? Json(value) : Json());
    if (invocation.terminal.wants_json()) {
        invocation.terminal.print_json(values);
        return 0;
    }
    for (const auto& [name, value] : vars)
        invocation.terminal.print(reveal ? fmt::format("{}={}", name, shell_quoted(value)) : name);
    if (vars.empty())
        invocation.terminal.note(fmt::format("{} has no config vars.", app.name().text()));
    else if (!reveal)
        invocation.terminal.note("(values with --reveal)");
    return 0;
}

// The names that `get` and `unset` take. What is behind '=' may be a secret: it is not shown.
std::vector<std::string> names_of(const Invocation& invocation) {
    const auto words = invocation.arguments.words();
    for (const std::string& word : words)
        if (const auto end = word.find('='); end != std::string::npos)
            throw Error(fmt::format("'{}=...' has a value, and only a name is wanted",
                                    printable(word.substr(0, end))),
                        Outcome::usage)
                .advise("to set config vars: shipit config set NAME=VALUE");
    return {words.begin(), words.end()};
}

int get(Invocation& invocation) {
    const auto app = invocation.app();
    const std::string name = names_of(invocation).front();
    const ConfigVars vars = config::load_config(app.layout.config_toml());
    const auto found = vars.find(name);
    if (found == vars.end())
        throw Error(fmt::format("{} has no config var '{}'", app.name().text(), printable(name)));
    if (invocation.terminal.wants_json())
        invocation.terminal.print_json(Json::object({{name, found->second}}));
    else
        invocation.terminal.print(found->second);
    return 0;
}

// Terminal echo off while a secret is typed.
class Silence {
  public:
    Silence() {
        if (::tcgetattr(STDIN_FILENO, &m_before) != 0)
            return;
        termios silent = m_before;
        silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        m_changed = ::tcsetattr(STDIN_FILENO, TCSANOW, &silent) == 0;
    }
    ~Silence() {
        if (m_changed)
            (void)::tcsetattr(STDIN_FILENO, TCSANOW, &m_before);
    }
    Silence(const Silence&) = delete;
    Silence& operator=(const Silence&) = delete;

  private:
    termios m_before{};
    bool m_changed = false;
};

// A line from a terminal, or all of stdin, whose last newline is not part of the value.
std::string value_from_stdin(const Invocation& invocation, const std::string& name) {
    std::string value;
    if (::isatty(STDIN_FILENO) == 1) {
        invocation.terminal.note(fmt::format("Value of {} (not shown):", name));
        const Silence silence;
        std::getline(std::cin, value);
        return value;
    }
    value.assign(std::istreambuf_iterator<char>(std::cin), {});
    if (!value.empty() && value.back() == '\n')
        value.pop_back();
    return value;
}

// KEY=VALUE words as they are; a single KEY takes its value from stdin, off the command line.
ConfigVars assignments_of(const Invocation& invocation) {
    const auto words = invocation.arguments.words();
    const bool is_one_name = words.size() == 1 && words[0].find('=') == std::string::npos;
    if (!is_one_name)
        return config::parse_assignments({words.begin(), words.end()});
    config::check_name(words[0]);
    return {{words[0], value_from_stdin(invocation, words[0])}};
}

int tell(Invocation& invocation, const deploy::App& app, const deploy::ConfigChanged& done) {
    if (invocation.terminal.wants_json()) {
        Json names = Json::array();
        for (const std::string& name : done.names)
            names.push_back(name);
        invocation.terminal.print_json(json_of(done.changed)
                                           .set("app", app.name().text())
                                           .set("names", names)
                                           .set("staged", done.is_staged));
        return 0;
    }
    if (done.names.empty())
        invocation.terminal.print("Nothing changed.");
    else if (done.is_staged)
        invocation.terminal.print(
            fmt::format("Staged {} for the next release", joined(done.names, ", ")));
    else
        invocation.terminal.print(fmt::format("Changed {} as {}", joined(done.names, ", "),
                                              done.changed.release->text()));
    tell_end(invocation, app, done.changed);
    return 0;
}

int set(Invocation& invocation) {
    auto app = invocation.app();
    deploy::ConfigRequest request;
    request.set = assignments_of(invocation);
    request.restart = !invocation.arguments.has("no-restart");
    request.options = change_options(invocation);
    return tell(invocation, app, deploy::change_config(app, request));
}

int unset(Invocation& invocation) {
    auto app = invocation.app();
    deploy::ConfigRequest request;
    request.unset = names_of(invocation);
    request.restart = !invocation.arguments.has("no-restart");
    request.options = change_options(invocation);
    return tell(invocation, app, deploy::change_config(app, request));
}

constexpr Option no_restart_option{"--no-restart", "",
                                   "stage the change; the next release takes it up"};

} // namespace

extern const Command config_command, config_get_command, config_set_command, config_unset_command;

const Command config_command{"config",
                             "list the config vars",
                             {},
                             {{"--reveal", "", "show the values too"}},
                             {"shipit -a blog config --reveal"},
                             show};

const Command config_get_command{
    "config get", "print the value of a config var",          {{"NAME", Argument::Number::one}},
    {},           {"shipit -a blog config get DATABASE_URL"}, get};

const Command config_set_command{
    "config set",
    "set config vars: one release for all of them",
    {{"NAME[=VALUE]", Argument::Number::some}},
    {no_restart_option, no_wait_option, wait_option},
    {"shipit -a blog config set GREETING='good morning' DEBUG=0",
     "shipit -a blog config set SECRET_KEY < key.txt (off the command line)"},
    set};

const Command config_unset_command{"config unset",
                                   "remove config vars: one release for all of them",
                                   {{"NAME", Argument::Number::some}},
                                   {no_restart_option, no_wait_option, wait_option},
                                   {"shipit -a blog config unset DEBUG"},
                                   unset};

} // namespace shipit::cmd

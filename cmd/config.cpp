// config, config get, config set, config unset.
#include "cmd/config_vars.hpp"
#include "cmd/secret_input.hpp"

#include "core/base/error.hpp"
#include "core/base/rules.hpp"
#include "core/base/text.hpp"
#include "core/config/config_vars.hpp"

#include <fmt/core.h>

namespace shipit::cmd {

namespace {

// What the processes that run do not have yet.
void tell_staged(const Invocation& invocation, const deploy::App& app, const ConfigVars& vars) {
    std::vector<std::string> names;
    try {
        const auto live = app.ledger.current();
        if (live)
            for (const auto& change : deploy::compare_config(app.ledger.load(*live).config, vars))
                names.push_back(change.name);
    } catch (const Error&) {
        return; // a record that cannot be read: there is no telling
    }
    if (!names.empty())
        invocation.terminal.note(
            fmt::format("staged, for the next release to take up: {}", joined(names, ", ")));
}

// A value exactly as it is, but on a terminal, which it must not drive.
std::string shown(const Invocation& invocation, const std::string& value) {
    return invocation.terminal.is_terminal() ? printable_lines(value) : value;
}

int show(Invocation& invocation) {
    const auto app = invocation.app();
    const ConfigVars vars = config_vars_meant(invocation, app);
    const bool reveal = invocation.arguments.has("reveal");
    Json values = Json::object();
    for (const auto& [name, value] : vars)
        values.set(name, reveal ? Json(value) : Json());
    if (invocation.terminal.wants_json()) {
        invocation.terminal.print_json(values);
        return 0;
    }
    for (const auto& [name, value] : vars)
        invocation.terminal.print(
            reveal ? fmt::format("{}={}", name, shown(invocation, shell_quoted(value))) : name);
    if (vars.empty())
        invocation.terminal.note(fmt::format("{} has no config vars.", app.name().text()));
    else if (!reveal)
        invocation.terminal.note("(values with --reveal)");
    if (!invocation.arguments.has("release"))
        tell_staged(invocation, app, vars);
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
    const ConfigVars vars = config_vars_meant(invocation, app);
    const auto found = vars.find(name);
    if (found == vars.end())
        throw Error(fmt::format("{} has no config var '{}'", app.name().text(), printable(name)))
            .advise(meant_or(name, config::names_of(vars), "'shipit config' lists them"));
    if (invocation.terminal.wants_json())
        invocation.terminal.print_json(Json::object({{name, found->second}}));
    else
        invocation.terminal.print(shown(invocation, found->second));
    return 0;
}

// A single NAME takes its value from stdin, since a second one could be a word of an unquoted
// value. What is no name may be a value, and is not shown.
ConfigVars assignments_of(const Invocation& invocation) {
    const auto words = invocation.arguments.words();
    const bool is_one_name = words.size() == 1 && is_variable_name(words[0]);
    if (is_one_name) {
        config::check_name(words[0]);
        return {{words[0], secret_from_stdin(invocation.terminal, words[0])}};
    }
    ConfigVars vars;
    for (const auto& assignment : config::parse_assignments({words.begin(), words.end()}))
        vars.emplace(assignment.name,
                     assignment.from == config::Assignment::From::word
                         ? assignment.text
                         : secret_from_file(invocation.terminal, assignment.name, assignment.text));
    return vars;
}

int set(Invocation& invocation) {
    auto app = invocation.app();
    ConfigVars vars = assignments_of(invocation);
    deploy::ConfigRequest request = config_request(invocation);
    request.set = std::move(vars);
    return tell_config_change(invocation, app, deploy::change_config(app, request));
}

int unset(Invocation& invocation) {
    auto app = invocation.app();
    deploy::ConfigRequest request = config_request(invocation);
    request.unset = names_of(invocation);
    return tell_config_change(invocation, app, deploy::change_config(app, request));
}

} // namespace

extern const Command config_command, config_get_command, config_set_command, config_unset_command;

const Command config_command{
    "config",
    "list the config vars",
    {},
    {{"--reveal", "", "show the values too"}, of_release_option},
    {"shipit -a blog config --reveal", "shipit -a blog config --release v3"},
    show};

const Command config_get_command{"config get",
                                 "print the value of a config var",
                                 {{"NAME", Argument::Number::one}},
                                 {of_release_option},
                                 {"shipit -a blog config get DATABASE_URL",
                                  "shipit -a blog config get --release v3 DATABASE_URL"},
                                 get};

const Command config_set_command{
    "config set",
    "set config vars: one release for all of them",
    {{"NAME[=VALUE|@FILE]", Argument::Number::some}},
    {no_restart_option, no_wait_option, wait_option},
    {"shipit -a blog config set GREETING='good morning' DEBUG=0",
     "shipit -a blog config set SECRET_KEY (typed, or from standard input: off the command line)",
     "shipit -a blog config set TLS_KEY@key.pem TLS_CERT@cert.pem"},
    set};

const Command config_unset_command{"config unset",
                                   "remove config vars: one release for all of them",
                                   {{"NAME", Argument::Number::some}},
                                   {no_restart_option, no_wait_option, wait_option},
                                   {"shipit -a blog config unset DEBUG"},
                                   unset};

} // namespace shipit::cmd

// config import, config export: config vars as a file.
#include "cmd/config_vars.hpp"
#include "cmd/secret_input.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/config/config_vars.hpp"
#include "core/config/dotenv.hpp"
#include "core/sys/file.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

namespace shipit::cmd {

namespace {

// A pipe is waited for, as a shell's <(command) needs it.
std::string text_of(Terminal& terminal, const std::string& file) {
    if (file != "-")
        return input_by([&file] {
            const sys::Fd fd = sys::open_file(file, O_RDONLY | O_NOCTTY);
            return sys::read_all(fd.get(), file, config::largest_config);
        });
    if (::isatty(STDIN_FILENO) == 1)
        terminal.prompt("reading NAME=VALUE lines from the terminal, until ^D");
    return input_by(
        [] { return sys::read_all(STDIN_FILENO, "standard input", config::largest_config); });
}

int import(Invocation& invocation) {
    auto app = invocation.app();
    const std::string file = invocation.arguments.words().front();
    const std::string shown = file == "-" ? "standard input" : file;
    auto read = config::parse_dotenv(text_of(invocation.terminal, file), shown);
    tell_uninterpolated(invocation, shown, read);
    if (read.vars.empty())
        throw Error(fmt::format("there are no config vars in '{}'", printable(shown)),
                    Outcome::usage)
            .advise("shipit-config(1) tells what it may hold");
    deploy::ConfigRequest request = config_request(invocation);
    request.set = std::move(read.vars);
    return tell_config_change(invocation, app, deploy::change_config(app, request));
}

int write(Invocation& invocation) {
    (void)invocation.wants_shell_lines(); // what it prints anyway, if not as JSON
    const auto app = invocation.app();
    const ConfigVars vars = config_vars_meant(invocation, app);
    if (invocation.terminal.wants_json()) {
        invocation.terminal.print_json(cmd::json_of(vars));
        return 0;
    }
    std::string text;
    for (const auto& [name, value] : vars)
        text += "export " + config::dotenv_line(name, value);
    invocation.terminal.raw(invocation.terminal.is_terminal() ? printable_lines(text) : text);
    return 0;
}

} // namespace

extern const Command config_import_command, config_export_command;

const Command config_import_command{
    "config import",
    "set config vars from a file of NAME=VALUE lines (.env): one release for all of them",
    {{"FILE", Argument::Number::one}},
    {no_restart_option, no_wait_option, wait_option},
    {"shipit -a blog config import .env", "gpg -d env.gpg | shipit -a blog config import -"},
    import};

const Command config_export_command{
    "config export",
    "print the config vars with their values, for 'config import' or a shell",
    {},
    {{"--shell", "", "as lines that a shell can read, too (the default); or --json"},
     of_release_option},
    {"shipit -a blog config export > blog.env (umask 077)",
     "shipit -a blog config export --json --release v3"},
    write};

} // namespace shipit::cmd

#include "cmd/commands.hpp"
#include "cmd/invocation.hpp"

#include "core/base/error.hpp"
#include "core/sys/core_dump.hpp"

#include <cstdlib>

#include <sys/wait.h>
#include <unistd.h>

namespace shipit::cmd {

namespace {

// Opens a page of the manual; false if there is no man(1) or no such page.
bool shows_manual(const std::string& page) {
    const pid_t child = ::fork();
    if (child == 0) {
        sys::restore_core_limit();
        ::execlp("man", "man", page.c_str(), nullptr);
        ::_exit(127);
    }
    int status = 0;
    return child > 0 && ::waitpid(child, &status, 0) == child && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

int run(Invocation& invocation) {
    std::vector<std::string> words(invocation.arguments.words().begin(),
                                   invocation.arguments.words().end());
    if (words.empty()) {
        invocation.terminal.raw(overview());
        return 0;
    }
    const Command* command = find_command(words).command;
    // On a terminal the manual is opened; a script gets the same text each time.
    if (!invocation.terminal.is_terminal() || !shows_manual("shipit"))
        invocation.terminal.raw(help_text(*command));
    return 0;
}

} // namespace

extern const Command help_command;
const Command help_command{"help",
                           "tell about shipit or about one command",
                           {{"COMMAND", Argument::Number::any}},
                           {},
                           {"shipit help deploy"},
                           run};

} // namespace shipit::cmd

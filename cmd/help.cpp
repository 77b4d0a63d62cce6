#include "cmd/commands.hpp"
#include "cmd/invocation.hpp"

#include "core/base/error.hpp"
#include "core/sys/limits.hpp"

#include <csignal>
#include <optional>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace shipit::cmd {

namespace {

// The status of man(1), which looks where MANPATH says; nothing if there is none.
std::optional<int> man(const std::vector<const char*>& words, bool is_silent) {
    std::vector<char*> arguments;
    for (const char* word : words)
        arguments.push_back(const_cast<char*>(word)); // execvp(3) changes nothing
    arguments.push_back(nullptr);
    const auto before = std::signal(SIGINT, SIG_IGN); // ^C is for its pager
    const pid_t child = ::fork();
    if (child == 0) {
        sys::restore_limits();
        (void)std::signal(SIGINT, before);
        (void)std::signal(SIGPIPE, SIG_DFL);
        if (const int null = is_silent ? ::open("/dev/null", O_WRONLY | O_CLOEXEC) : -1; null >= 0)
            for (const int stream : {STDOUT_FILENO, STDERR_FILENO})
                (void)::dup2(null, stream);
        ::execvp("man", arguments.data());
        ::_exit(127);
    }
    int status = 0;
    const bool ended = child > 0 && ::waitpid(child, &status, 0) == child && WIFEXITED(status);
    (void)std::signal(SIGINT, before);
    return ended ? std::optional(WEXITSTATUS(status)) : std::nullopt;
}

// False if there is no man(1), or no such page where it looks.
bool shows_page_of(const Command& command) {
    const std::string page = page_of(command);
    return man({"man", "-w", page.c_str()}, true) == 0 && man({"man", page.c_str()}, false) == 0;
}

int run_help(Invocation& invocation) {
    std::vector<std::string> words(invocation.arguments.words().begin(),
                                   invocation.arguments.words().end());
    if (words.empty()) {
        invocation.terminal.raw(overview());
        return 0;
    }
    const Command* command = find_command(words).command;
    // On a terminal the manual is opened; a script gets the same text each time.
    if (!invocation.terminal.is_terminal() || !shows_page_of(*command))
        invocation.terminal.raw(help_text(*command));
    return 0;
}

} // namespace

extern const Command help_command;
const Command help_command{"help",
                           "tell about shipit, or show the manual page of a command",
                           {{"COMMAND", Argument::Number::any}},
                           {},
                           {"shipit help", "shipit help deploy", "shipit help config set"},
                           run_help};

} // namespace shipit::cmd

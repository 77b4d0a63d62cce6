// The program: finds the command, runs it, and turns what comes out into an exit status. The only
// catch of shipit's errors, and the only place that sets signals.
#include "cmd/commands.hpp"
#include "cmd/invocation.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/sys/interrupt.hpp"
#include "core/sys/limits.hpp"
#include "core/sys/process.hpp"

#include <cerrno>
#include <csignal>
#include <exception>
#include <new>

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

using namespace shipit;
using namespace shipit::cmd;

// Descriptors 0, 1 and 2 must exist: a file opened in their place would get our messages.
void open_standard_streams() {
    int fd = 0;
    while (fd >= 0 && fd <= STDERR_FILENO)
        fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (fd > STDERR_FILENO)
        (void)::close(fd);
}

// Set-user-ID, it would do root's work for anybody, by the environment of whoever calls it.
void refuse_borrowed_rights() {
    if (::getuid() == ::geteuid() && ::getgid() == ::getegid())
        return;
    throw Error("this shipit is set-user-ID or set-group-ID, and must not be")
        .advise("chmod ug-s its file; sudo, or a deploy key, lets others use it");
}

Terminal::Settings settings_of(const Arguments& arguments) {
    Terminal::Settings settings;
    settings.json = arguments.has("json");
    settings.quiet = arguments.has("quiet");
    settings.verbose = arguments.has("verbose");
    settings.colour = arguments.text("color").value_or("auto");
    if (settings.colour != "auto" && settings.colour != "always" && settings.colour != "never")
        throw Error(fmt::format("'--color' must be auto, always or never, not '{}'",
                                printable(settings.colour)),
                    Outcome::usage);
    return settings;
}

// The exit status of what `action` did, once all that it wrote is out.
template <class Action>
int status_of(Terminal& terminal, Action&& action) {
    try {
        const int status = action();
        terminal.finish();
        return status;
    } catch (const sys::Interrupted& interrupted) {
        constexpr int signal_base = 128; // as a shell tells it
        const int status = signal_base + interrupted.signal();
        if (interrupted.signal() != SIGPIPE) // nobody reads any more; no program complains of that
            terminal.error(interrupted, status);
        return status;
    } catch (const Error& error) {
        terminal.error(error); // what is left in stdout's buffer goes out at exit, if it can
        return static_cast<int>(error.outcome());
    }
}

// Whoever may not look into the root, or change it, is told who may.
void advise_owner(const Invocation& invocation, Error& error) {
    if (!error.why().ends_with(errno_text(EACCES)))
        return;
    const std::string root = invocation.host().root.string();
    struct stat status {};
    if (error.why().find(root) != std::string::npos && ::stat(root.c_str(), &status) == 0 &&
        status.st_uid != ::geteuid())
        error.advise(fmt::format("'{}' is another user's: run shipit as its owner or as root, or "
                                 "choose another root with --root or SHIPIT_ROOT",
                                 root));
}

// Whose releases could make room on a full disk. What prune itself would do is no advice to it.
void advise_room(const Command& command, const Invocation& invocation, Error& error) {
    if (error.next() != how_to_make_room)
        return;
    if (command.name == "prune") {
        error.advise_instead("make room otherwise, a little: for what prune records of what goes");
        return;
    }
    try {
        error.advise_instead(
            fmt::format("make room, or keep fewer releases: shipit -a {} prune --keep N",
                        invocation.app().name().text()));
    } catch (const Error&) { // it is of no app
        error.advise_instead("make room, or keep fewer releases: shipit prune --all --keep N");
    }
}

int run(const CommandLine& line) {
    if (line.command == nullptr) {
        static const Command none{"", "", {}, {}, {}, nullptr};
        const Arguments arguments = parse(none, line.words);
        Terminal terminal(settings_of(arguments));
        return status_of(terminal, [&] {
            const bool asked = arguments.has("help");
            if (!asked && arguments.has("json"))
                throw Error("there is no command", Outcome::usage)
                    .advise("'shipit help' lists the commands");
            terminal.raw(overview());
            return static_cast<int>(asked ? Outcome::done : Outcome::usage);
        });
    }
    const Arguments arguments = parse(*line.command, line.words);
    Terminal terminal(settings_of(arguments));
    return status_of(terminal, [&] {
        if (arguments.has("help")) {
            terminal.raw(help_text(*line.command));
            return 0;
        }
        Invocation invocation(arguments, terminal);
        try {
            return line.command->run(invocation);
        } catch (Error& error) {
            advise_owner(invocation, error);
            advise_room(*line.command, invocation, error);
            throw;
        }
    });
}

int run_safely(std::vector<std::string> words) {
    // Until the options are parsed, --json is looked for by eye: errors about options are JSON too.
    Terminal::Settings early;
    for (const std::string& word : words)
        early.json = early.json || word == "--json";
    try {
        refuse_borrowed_rights();
        return run(find_command(std::move(words)));
    } catch (const Error& error) {
        Terminal(early).error(error);
        return static_cast<int>(error.outcome());
    } catch (const std::bad_alloc&) {
        Terminal(early).error(Error("there is not enough memory"));
        return static_cast<int>(Outcome::failed);
    } catch (const std::exception& error) {
        Terminal(early).error(
            Error(fmt::format("this is a bug in shipit: {}", error.what()), Outcome::bug)
                .advise("report it, with the command that you typed"));
        return static_cast<int>(Outcome::bug);
    }
}

} // namespace

int main(int argc, char** argv) {
    open_standard_streams();
    sys::give_memory_back();
    sys::leave_no_core_dump();
    (void)::umask(S_IWGRP | S_IWOTH); // what needs less says so; nothing is writable for others
    // A closed terminal or pipe must not stop a deploy half-way: writing reports it instead.
    (void)std::signal(SIGPIPE, SIG_IGN);
    // Nor must a limit on the size of files: EFBIG names the file.
    (void)std::signal(SIGXFSZ, SIG_IGN);
    // Whoever ignores it hands that on, and children would be gone before we have asked for them.
    (void)std::signal(SIGCHLD, SIG_DFL);
    return run_safely(std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc));
}

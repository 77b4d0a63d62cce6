#include "core/supervise/detach.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/supervise/become.hpp"
#include "core/supervise/client.hpp"
#include "core/supervise/tree.hpp"
#include "core/sys/clock.hpp"
#include "core/sys/interrupt.hpp"
#include "core/sys/limits.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace shipit::supervise {

namespace {

constexpr mode_t supervisor_log_mode = 0640;
constexpr int look_again_ms = 10;
constexpr std::size_t shown_log = 2000;

// What the daemon tells through a pipe that its exec closes: its pid, then an errno if that failed.
struct Report {
    pid_t pid = 0;
    int error_number = 0;
};

// What a service manager says to the process that it has started, and to no other: ours would speak
// for a service that it is not.
bool is_for_us_alone(std::string_view variable) {
    for (const std::string_view name : {"NOTIFY_SOCKET=", "WATCHDOG_USEC=", "WATCHDOG_PID=",
                                        "LISTEN_FDS=", "LISTEN_PID=", "LISTEN_FDNAMES="})
        if (variable.starts_with(name))
            return true;
    return false;
}

// With `variables`, which come first: it is the first that counts.
std::vector<char*> environment_for_others(const std::vector<std::string>& variables) {
    std::vector<char*> result;
    for (const std::string& variable : variables)
        result.push_back(const_cast<char*>(variable.c_str())); // execve(2) does not write to them
    for (char** variable = environ; *variable != nullptr; ++variable)
        if (!is_for_us_alone(*variable))
            result.push_back(*variable);
    result.push_back(nullptr);
    return result;
}

enum class Parent { none, us };

[[noreturn]] void become_daemon(char* const* argv, char* const* environment, int log, int report,
                                Parent parent) noexcept {
    (void)::setsid();
    if (parent == Parent::none && ::fork() != 0) // nor a terminal, ever, without a session's leader
        ::_exit(0);
    const pid_t pid = ::getpid();
    (void)!::write(report, &pid, sizeof pid);
    const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC); // its copy stays open
    (void)::dup2(null, STDIN_FILENO);
    (void)::dup2(log, STDOUT_FILENO);
    (void)::dup2(log, STDERR_FILENO);
    (void)::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    (void)!::chdir("/");
    default_signals();
    sys::restore_limits();
    (void)::execve(argv[0], argv, environment);
    const int error_number = errno;
    (void)!::write(report, &error_number, sizeof error_number);
    ::_exit(exit_not_executed);
}

Report read_report(int pipe) {
    Report report;
    char* into = reinterpret_cast<char*>(&report);
    std::size_t got = 0;
    while (got < sizeof report) {
        const ssize_t more = ::read(pipe, into + got, sizeof report - got);
        if (more < 0 && errno == EINTR)
            continue;
        if (more <= 0)
            break;
        got += static_cast<std::size_t>(more);
    }
    return report;
}

Report start(const std::vector<std::string>& argv, const Path& log, Parent parent,
             const std::vector<std::string>& variables = {}) {
    std::vector<char*> words;
    for (const std::string& word : argv)
        words.push_back(const_cast<char*>(word.c_str())); // execv(3) does not write to them
    words.push_back(nullptr);
    const std::vector<char*> environment = environment_for_others(variables);
    const sys::Fd log_fd =
        sys::open_file(log, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, supervisor_log_mode);
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        throw_errno("cannot make a pipe to start '" + argv.front() + "'");
    const sys::Fd reading(ends[0]);
    sys::Fd writing(ends[1]);
    const pid_t child = ::fork();
    if (child < 0)
        throw_errno("cannot start a process");
    if (child == 0)
        become_daemon(words.data(), environment.data(), log_fd.get(), writing.get(), parent);
    writing.reset();
    if (parent == Parent::none)
        (void)::waitpid(child, nullptr, 0);
    const Report report = read_report(reading.get());
    if (report.pid == 0 || report.error_number != 0) {
        (void)::waitpid(child, nullptr, 0);
        throw_errno("cannot execute '" + argv.front() + "'", report.error_number);
    }
    return report;
}

std::string end_of(const Path& log) {
    try {
        const std::string content = sys::read_file(log, 64 << 20);
        const std::string_view end =
            std::string_view(content).substr(content.size() - std::min(content.size(), shown_log));
        return printable_lines(trimmed(end));
    } catch (const Error&) {
        return {};
    }
}

} // namespace

void spawn_detached(const std::vector<std::string>& argv, const Path& run_folder, const Path& log,
                    std::chrono::milliseconds patience) {
    const sys::Deadline deadline(patience);
    const Report report = start(argv, log, Parent::none);
    const sys::Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, report.pid, 0U)));
    // Without one its end is not noticed at once; it may run all the same.
    for (bool gone = !pidfd && errno == ESRCH; !Client::answers(run_folder, deadline.left());) {
        if (gone)
            throw Error("the supervisor ended while it was starting: " + end_of(log));
        if (deadline.passed())
            throw Error("the supervisor did not answer within " + duration_text(patience))
                .advise("see '" + log.string() + "'");
        pollfd end{pidfd.get(), POLLIN, 0};
        gone = ::poll(&end, 1, look_again_ms) > 0;
    }
}

void run_detached(const std::vector<std::string>& argv, const Path& log) {
    constexpr int look_for_signals_ms = 100;
    const Report report = start(argv, log, Parent::none);
    const sys::Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, report.pid, 0U)));
    if (!pidfd && errno == ESRCH)
        return;
    if (!pidfd)
        throw_errno("cannot wait for '" + argv.front() + "'");
    pollfd end{pidfd.get(), POLLIN, 0};
    while (::poll(&end, 1, look_for_signals_ms) <= 0)
        sys::stop_if_interrupted();
}

void spawn_aside(const std::vector<std::string>& argv, const Path& log,
                 const std::vector<std::string>& variables) {
    spare(start(argv, log, Parent::us, variables).pid);
}

} // namespace shipit::supervise

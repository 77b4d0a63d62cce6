#include "core/supervise/become.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/supervise/bind_watch.hpp"
#include "core/supervise/pass_fd.hpp"
#include "core/supervise/terminal_guard.hpp"
#include "core/sys/limits.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <limits>

#include <fcntl.h>
#include <fmt/core.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace shipit::supervise {

namespace {

constexpr std::size_t most_digits = std::numeric_limits<pid_t>::digits10 + 1;
constexpr std::string_view default_path = "/usr/local/bin:/usr/bin:/bin";

// execve(2) wants char*, and does not write to it.
char* writable(const std::string& text) {
    return const_cast<char*>(text.c_str());
}

// setresuid(2) leaves what can be inherited, which whoever started shipit may have set.
bool drop_capabilities() noexcept {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    const std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
    return ::syscall(SYS_capset, &header, none.data()) == 0;
}

} // namespace

void default_signals() noexcept {
    struct sigaction plain {};
    plain.sa_handler = SIG_DFL;
    for (int signal = 1; signal < NSIG; ++signal)
        (void)::sigaction(signal, &plain, nullptr); // SIGKILL, SIGSTOP and libc's own refuse
    sigset_t none;
    (void)::sigemptyset(&none);
    (void)::sigprocmask(SIG_SETMASK, &none, nullptr);
}

PreparedLaunch::PreparedLaunch(const Launch& launch) : m_launch(launch) {
    if (m_launch.argv.empty() || m_launch.argv.front().empty())
        throw Error("the command is empty", Outcome::usage);
    find_programs();
    m_sources = {m_launch.input, m_launch.output, m_launch.errors};
    if (!m_launch.sockets.empty())
        announce_sockets();
    for (const auto& [name, value] : m_launch.environment)
        m_variables.push_back(name + "=" + value);
    for (const std::string& name : m_launch.pid_variables)
        m_variables.push_back(name + "=" + std::string(most_digits, '0'));
    for (const std::string& variable : m_variables)
        m_environment.push_back(writable(variable));
    const std::size_t first = m_variables.size() - m_launch.pid_variables.size();
    for (std::size_t i = first; i < m_variables.size(); ++i)
        m_own_pids.push_back(m_environment[i] + m_launch.pid_variables[i - first].size() + 1);
    m_environment.push_back(nullptr);
    static const std::string shell = "/bin/sh";
    m_script_argv = {writable(shell), nullptr};
    for (const std::string& word : m_launch.argv) {
        m_argv.push_back(writable(word));
        if (m_argv.size() > 1)
            m_script_argv.push_back(writable(word));
    }
    m_argv.push_back(nullptr);
    m_script_argv.push_back(nullptr);
}

void PreparedLaunch::announce_sockets() {
    Environment& variables = m_launch.environment;
    std::erase_if(variables, [](const auto& variable) {
        return variable.first == "LISTEN_PID" || variable.first == "LISTEN_FDS" ||
               variable.first == "LISTEN_FDNAMES";
    });
    std::string names;
    for (const Launch::Socket& socket : m_launch.sockets) {
        m_sources.push_back(socket.descriptor);
        names += (names.empty() ? "" : ":") + socket.name;
    }
    variables.emplace_back("LISTEN_FDS", std::to_string(m_launch.sockets.size()));
    variables.emplace_back("LISTEN_FDNAMES", names);
    m_launch.pid_variables.emplace_back("LISTEN_PID");
}

void PreparedLaunch::find_programs() {
    const std::string& program = m_launch.argv.front();
    if (program.find('/') != std::string::npos) {
        m_candidates = {program};
        return;
    }
    std::string_view path = default_path;
    for (const auto& [name, value] : m_launch.environment)
        if (name == "PATH")
            path = value;
    for (const std::string_view folder : split(path, ':'))
        m_candidates.push_back((folder.empty() ? "." : std::string(folder)) + "/" + program);
}

std::optional<LaunchFailure> PreparedLaunch::place_descriptors(int& to_parent) const noexcept {
    const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (m_sources[0] < 0)
        m_sources[0] = null;
    const int placed = static_cast<int>(m_sources.size());
    // All are lifted first: one of them may sit where another has to go.
    const auto lift = [placed](int& source) {
        source = ::fcntl(source, F_DUPFD_CLOEXEC, placed);
        return source >= 0;
    };
    if (!std::all_of(m_sources.begin(), m_sources.end(), lift) || !lift(to_parent))
        return LaunchFailure{LaunchStep::descriptors, errno};
    for (int target = 0; target < placed; ++target)
        if (::dup2(m_sources[static_cast<std::size_t>(target)], target) < 0)
            return LaunchFailure{LaunchStep::descriptors, errno};
    // Not closed outright, since the way to the parent is needed until exec.
    if (::close_range(static_cast<unsigned>(placed), ~0U, CLOSE_RANGE_CLOEXEC) != 0)
        return LaunchFailure{LaunchStep::descriptors, errno};
    return std::nullopt;
}

std::optional<LaunchFailure> PreparedLaunch::drop_user() const noexcept {
    if (!m_launch.user)
        return std::nullopt;
    const sys::Account& user = *m_launch.user;
    if (::geteuid() == 0) {
        if (::setgroups(user.groups.size(), user.groups.data()) != 0 ||
            ::setresgid(user.gid, user.gid, user.gid) != 0 ||
            ::setresuid(user.uid, user.uid, user.uid) != 0)
            return LaunchFailure{LaunchStep::user, errno};
        if (user.uid != 0 && ::setuid(0) == 0)
            return LaunchFailure{LaunchStep::user, EPERM};
        if (user.uid != 0 && !drop_capabilities())
            return LaunchFailure{LaunchStep::privileges, errno};
    }
    if (::getuid() != user.uid || ::geteuid() != user.uid)
        return LaunchFailure{LaunchStep::user, EPERM};
    return std::nullopt;
}

std::optional<LaunchFailure> PreparedLaunch::report_calls(int to_parent) const noexcept {
    if (m_launch.reported == Reported::nothing)
        return std::nullopt;
    const int calls = install_filter(m_launch.reported);
    if (calls < 0 || !send_fd(to_parent, calls))
        return LaunchFailure{LaunchStep::calls, errno};
    (void)::close(calls);
    return std::nullopt;
}

int PreparedLaunch::execute() const noexcept {
    int reason = ENOENT;
    for (const std::string& candidate : m_candidates) {
        (void)::execve(candidate.c_str(), m_argv.data(), m_environment.data());
        if (errno == ENOEXEC) {
            m_script_argv[1] = writable(candidate);
            (void)::execve("/bin/sh", m_script_argv.data(), m_environment.data());
        }
        if (errno != ENOENT && errno != ENOTDIR)
            reason = errno; // "permission denied" says more than that others are not there
        if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
            break;
    }
    return reason;
}

// What is told of a process is told of this one, whatever it executes; not of one that it forks.
void PreparedLaunch::write_own_pid() const noexcept {
    for (char* digits : m_own_pids)
        *std::to_chars(digits, digits + most_digits, ::getpid()).ptr = '\0';
}

void PreparedLaunch::become(int to_parent) const noexcept {
    const auto fail = [&to_parent](LaunchFailure failure) {
        (void)!::write(to_parent, &failure, sizeof failure); // the parent sees EOF otherwise
        ::_exit(exit_not_executed);
    };
    const uid_t caller = ::geteuid();
    if (m_launch.session == Launch::Session::own && ::setsid() < 0)
        fail({LaunchStep::session, errno});
    if (const auto failure = place_descriptors(to_parent))
        fail(*failure);
    if (const auto failure = drop_user())
        fail(*failure);
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        fail({LaunchStep::privileges, errno});
    if (m_launch.session == Launch::Session::ours && ::geteuid() != caller &&
        !type_into_no_terminal())
        fail({LaunchStep::terminal, errno});
    if (const auto failure = report_calls(to_parent))
        fail(*failure);
    // After the drop, so that it is the app's user who must be able to enter it.
    if (::chdir(m_launch.folder.c_str()) != 0)
        fail({LaunchStep::folder, errno});
    (void)::umask(S_IWGRP | S_IWOTH);
    default_signals();
    sys::restore_limits();
    write_own_pid();
    fail({LaunchStep::execute, execute()});
    ::_exit(exit_not_executed);
}

// Of a script that is there itself: the kernel says "no such file" of that, too. Empty: it is not
// so.
std::string PreparedLaunch::missing_interpreter() const {
    constexpr std::size_t longest_line = 256; // the kernel's BINPRM_BUF_SIZE
    for (const std::string& candidate : m_candidates) {
        const sys::Fd script(
            ::open((m_launch.folder / candidate).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
        std::string line(longest_line, '\0');
        const auto size = script ? ::read(script.get(), line.data(), line.size()) : -1;
        if (size < 0)
            continue;
        line.resize(static_cast<std::size_t>(size));
        if (!line.starts_with("#!"))
            return {};
        const auto words = trimmed(std::string_view(line).substr(2, line.find('\n') - 2));
        const std::string named(words.substr(0, words.find_first_of(" \t")));
        struct stat status {};
        const bool is_missing =
            !named.empty() && ::stat((m_launch.folder / named).c_str(), &status) != 0;
        return is_missing ? named : std::string();
    }
    return {};
}

std::string PreparedLaunch::text_of(const LaunchFailure& failure) const {
    const std::string why = errno_text(failure.error_number);
    const std::string program = printable(m_launch.argv.front());
    const std::string user = m_launch.user ? m_launch.user->name : "";
    switch (failure.step) {
    case LaunchStep::session:
        return fmt::format("cannot make a session for '{}': {}", program, why);
    case LaunchStep::user:
        return fmt::format("cannot become user '{}' to run '{}': {}", user, program, why);
    case LaunchStep::privileges:
        return fmt::format("cannot give up privileges for '{}': {}", program, why);
    case LaunchStep::terminal:
        return fmt::format("cannot keep '{}' from typing into this terminal: {}", program, why);
    case LaunchStep::calls:
        return fmt::format("cannot watch over the sockets of '{}': {}", program, why);
    case LaunchStep::folder:
        return fmt::format("cannot enter '{}' to run '{}': {}", m_launch.folder.string(), program,
                           why);
    case LaunchStep::descriptors:
        return fmt::format("cannot set up input and output of '{}': {}", program, why);
    case LaunchStep::execute:
        break;
    }
    const std::string interpreter =
        failure.error_number == ENOENT ? missing_interpreter() : std::string();
    if (!interpreter.empty())
        return fmt::format("cannot execute '{}': its first line names '{}', which is not there",
                           program, printable(interpreter));
    if (failure.error_number == ENOENT && program.find('/') == std::string::npos)
        return fmt::format("there is no command '{}' in the app's PATH", program);
    return fmt::format("cannot execute '{}': {}", program, why);
}

} // namespace shipit::supervise

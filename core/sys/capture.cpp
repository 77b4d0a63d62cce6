#include "core/sys/capture.hpp"

#include "core/base/text.hpp"
#include "core/sys/fd.hpp"
#include "core/sys/file.hpp"
#include "core/sys/limits.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace shipit::sys {

namespace {

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> result;
    for (std::string& text : texts)
        result.push_back(text.data());
    result.push_back(nullptr);
    return result;
}

// Between fork and exec: nothing but system calls.
[[noreturn]] void become_program(const Question& question, int output, char* const* arguments,
                                 char* const* environment) {
    constexpr int cannot_execute = 127;
    const auto& user = question.become;
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || ::setpgid(0, 0) != 0 || ::dup2(null, STDIN_FILENO) < 0 ||
        ::dup2(output, STDOUT_FILENO) < 0 || ::dup2(null, STDERR_FILENO) < 0)
        ::_exit(cannot_execute);
    if (user && (::setgroups(0, nullptr) != 0 ||
                 ::setresgid(user->second, user->second, user->second) != 0 ||
                 ::setresuid(user->first, user->first, user->first) != 0))
        ::_exit(cannot_execute);
    restore_limits();
    ::execve(question.program.c_str(), arguments, environment);
    ::_exit(cannot_execute);
}

} // namespace

std::string search_path() {
    const char* path = std::getenv("PATH"); // NOLINT(concurrency-mt-unsafe): nothing sets variables
    return ::geteuid() == 0 || path == nullptr || *path == '\0' ? "/usr/local/bin:/usr/bin:/bin"
                                                                : path;
}

std::optional<std::string> find_program(const std::string& name) {
    const std::string path = search_path();
    for (const std::string_view folder : split(path, ':')) {
        const Path candidate = Path(folder) / name;
        std::error_code absent;
        if (candidate.is_absolute() && std::filesystem::is_regular_file(candidate, absent) &&
            ::access(candidate.c_str(), X_OK) == 0)
            return candidate.string();
    }
    return std::nullopt;
}

Answering::Answering(const Question& question) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
        return;
    m_output = Fd(ends[0]);
    const Fd input(ends[1]);
    std::vector<std::string> arguments{question.program};
    arguments.insert(arguments.end(), question.arguments.begin(), question.arguments.end());
    auto environment = question.environment;
    const auto argument_pointers = pointers_to(arguments);
    const auto environment_pointers = pointers_to(environment);
    m_pid = ::fork();
    if (m_pid == 0)
        become_program(question, input.get(), argument_pointers.data(),
                       environment_pointers.data());
}

Answering::~Answering() {
    if (m_pid <= 0)
        return;
    (void)::kill(-m_pid, SIGKILL); // and what it has started
    (void)::kill(m_pid, SIGKILL);  // in case it has no group of its own yet
    (void)has_ended_well();
}

std::optional<std::string> Answering::answer(const Deadline& deadline, std::size_t limit) {
    std::string text;
    std::array<char, 4096> buffer{};
    while (m_pid > 0 && text.size() < limit) {
        pollfd waiting{m_output.get(), POLLIN, 0};
        const int ready = ::poll(&waiting, 1, static_cast<int>(deadline.left().count()));
        if (ready < 0 && errno == EINTR)
            continue;
        const ssize_t count = ready > 0 ? ::read(m_output.get(), buffer.data(), buffer.size()) : -1;
        if (count < 0)
            return std::nullopt;
        if (count == 0)
            return has_ended_in_time(deadline) ? std::optional(text) : std::nullopt;
        text.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return text.size() >= limit ? std::optional(text) : std::nullopt;
}

// A program may close its output and go on for ever.
bool Answering::has_ended_in_time(const Deadline& deadline) {
    siginfo_t ended{};
    constexpr int look_again = 5; // milliseconds; most end before the first look
    while (::waitid(P_PID, static_cast<id_t>(m_pid), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           ended.si_pid == 0) {
        if (deadline.passed())
            return false;
        (void)::poll(nullptr, 0, look_again);
    }
    return has_ended_well();
}

bool Answering::has_ended_well() {
    int status = 0;
    const pid_t pid = std::exchange(m_pid, -1);
    while (::waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return true; // somebody ignores SIGCHLD, so nobody knows: the text must tell
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

std::optional<std::string> answer_to(const Question& question, const Deadline& deadline,
                                     std::size_t limit) {
    return Answering(question).answer(deadline, limit);
}

} // namespace shipit::sys

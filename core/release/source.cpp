#include "core/release/source.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/sys/account.hpp"
#include "core/sys/clock.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <vector>

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace shipit::release {

namespace {

constexpr std::size_t longest_subject = 200;
constexpr std::size_t longest_answer = 64 << 10;

// How git is run for one folder.
struct Caller {
    std::string git;                      // absolute path
    std::vector<std::string> options;     // before the subcommand
    std::vector<std::string> environment; // all of it
    bool is_foreign = false;              // the repository is somebody else's, and we are not root
    std::optional<std::pair<uid_t, gid_t>> become;
};

std::string variable(const char* name) {
    const char* value = std::getenv(name); // NOLINT(concurrency-mt-unsafe): nothing sets variables
    return value != nullptr ? value : "";
}

std::string search_path() {
    const std::string path = variable("PATH");
    return ::geteuid() == 0 || path.empty() ? "/usr/local/bin:/usr/bin:/bin" : path;
}

std::optional<std::string> find_git() {
    const std::string path = search_path();
    for (const std::string_view folder : split(path, ':')) {
        const sys::Path candidate = sys::Path(folder) / "git";
        if (candidate.is_absolute() && ::access(candidate.c_str(), X_OK) == 0)
            return candidate.string();
    }
    return std::nullopt;
}

std::string home_of(uid_t uid) {
    try {
        return sys::account_of(std::to_string(uid)).home;
    } catch (const Error&) {
        return "/nonexistent";
    }
}

std::optional<Caller> caller_for(const sys::Path& folder) {
    struct stat status {};
    const auto git = find_git();
    if (!git || ::stat(folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode))
        return std::nullopt;
    Caller caller;
    caller.git = *git;
    std::string home = variable("HOME");
    if (status.st_uid != ::geteuid()) {
        if (::geteuid() == 0) {
            caller.become = {status.st_uid, status.st_gid};
            home = home_of(status.st_uid);
        } else {
            caller.is_foreign = true;
        }
    }
    caller.options = {"--no-pager", "-C", folder.string()};
    for (const char* setting : {"core.fsmonitor=false", "core.hooksPath=/dev/null",
                                "core.untrackedCache=false", "protocol.allow=never"}) {
        caller.options.emplace_back("-c");
        caller.options.emplace_back(setting);
    }
    if (caller.is_foreign) {
        caller.options.emplace_back("-c");
        caller.options.emplace_back("safe.directory=*");
    }
    caller.environment = {"PATH=" + search_path(), "HOME=" + home,          "LC_ALL=C",
                          "GIT_OPTIONAL_LOCKS=0",  "GIT_TERMINAL_PROMPT=0", "GIT_NO_LAZY_FETCH=1"};
    if (const auto config = variable("XDG_CONFIG_HOME"); !config.empty() && !caller.become)
        caller.environment.push_back("XDG_CONFIG_HOME=" + config);
    return caller;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> result;
    for (std::string& text : texts)
        result.push_back(text.data());
    result.push_back(nullptr);
    return result;
}

// Between fork and exec: nothing but system calls.
[[noreturn]] void become_git(const Caller& caller, int output, char* const* arguments,
                             char* const* environment) {
    constexpr int cannot_execute = 127;
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || ::setpgid(0, 0) != 0 || ::dup2(null, STDIN_FILENO) < 0 ||
        ::dup2(output, STDOUT_FILENO) < 0 || ::dup2(null, STDERR_FILENO) < 0)
        ::_exit(cannot_execute);
    if (caller.become &&
        (::setgroups(0, nullptr) != 0 ||
         ::setresgid(caller.become->second, caller.become->second, caller.become->second) != 0 ||
         ::setresuid(caller.become->first, caller.become->first, caller.become->first) != 0))
        ::_exit(cannot_execute);
    ::execve(caller.git.c_str(), arguments, environment);
    ::_exit(cannot_execute);
}

// A git at work. It is gone when this is.
class Git {
  public:
    Git(const Caller& caller, const std::vector<std::string>& command) {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0)
            return;
        m_output = sys::Fd(ends[0]);
        const sys::Fd input(ends[1]);
        std::vector<std::string> arguments{"git"};
        arguments.insert(arguments.end(), caller.options.begin(), caller.options.end());
        arguments.insert(arguments.end(), command.begin(), command.end());
        auto environment = caller.environment;
        const auto argument_pointers = pointers_to(arguments);
        const auto environment_pointers = pointers_to(environment);
        m_pid = ::fork();
        if (m_pid == 0)
            become_git(caller, input.get(), argument_pointers.data(), environment_pointers.data());
    }
    Git(const Git&) = delete;
    Git& operator=(const Git&) = delete;
    ~Git() { (void)end(); }

    // What it writes, until it ends or has written `limit` bytes; nothing if it fails, or is not
    // done by the deadline.
    std::optional<std::string> answer(const sys::Deadline& deadline, std::size_t limit) {
        if (m_pid < 0)
            return std::nullopt;
        std::string text;
        std::array<char, 4096> buffer{};
        while (text.size() < limit) {
            pollfd waiting{m_output.get(), POLLIN, 0};
            const int ready = ::poll(&waiting, 1, static_cast<int>(deadline.left().count()));
            if (ready < 0 && errno == EINTR)
                continue;
            const ssize_t count =
                ready > 0 ? ::read(m_output.get(), buffer.data(), buffer.size()) : -1;
            if (count < 0)
                return std::nullopt;
            if (count == 0)
                return wait() ? std::optional(text) : std::nullopt;
            text.append(buffer.data(), static_cast<std::size_t>(count));
        }
        return text;
    }

  private:
    // Whether it ended well; its output has ended, so this does not take long.
    bool wait() {
        int status = 0;
        while (::waitpid(m_pid, &status, 0) < 0)
            if (errno != EINTR) {
                m_pid = -1;
                return true; // somebody ignores SIGCHLD, so nobody knows: the text will tell
            }
        m_pid = -1;
        return WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }

    bool end() {
        if (m_pid <= 0)
            return true;
        (void)::kill(-m_pid, SIGKILL); // and what it has started
        (void)::kill(m_pid, SIGKILL);  // in case it has no group of its own yet
        return wait();
    }

    sys::Fd m_output;
    pid_t m_pid = -1;
};

bool is_commit(std::string_view text) {
    constexpr std::size_t sha1_digits = 40;
    constexpr std::size_t sha256_digits = 64;
    const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    return (text.size() == sha1_digits || text.size() == sha256_digits) &&
           std::all_of(text.begin(), text.end(), is_hex);
}

} // namespace

std::optional<Source> source_of(const sys::Path& folder, std::chrono::milliseconds patience) {
    const sys::Deadline deadline(patience);
    const auto caller = caller_for(folder);
    if (!caller)
        return std::nullopt;
    // Plumbing, which heeds none of the settings that make `git log` run gpg and others.
    const auto commit = Git(*caller, {"rev-list", "--max-count=1", "--format=%s", "HEAD", "--"})
                            .answer(deadline, longest_answer);
    constexpr std::string_view heading = "commit ";
    if (!commit || commit->compare(0, heading.size(), heading) != 0)
        return std::nullopt;
    const auto lines = split(*commit, '\n');
    Source source;
    source.commit = lines[0].substr(heading.size());
    if (!is_commit(source.commit))
        return std::nullopt;
    if (lines.size() > 1)
        source.subject = shortened(printable(lines[1]), longest_subject);
    if (const auto branch = Git(*caller, {"symbolic-ref", "--quiet", "--short", "HEAD"})
                                .answer(deadline, longest_answer))
        source.branch = shortened(printable(trimmed(*branch)), longest_subject);
    if (caller->is_foreign)
        return source;
    const auto changes = Git(*caller, {"status", "--porcelain", "--ignore-submodules=all"})
                             .answer(deadline, 1); // one byte says it all
    source.dirty = changes && !changes->empty();
    return source;
}

} // namespace shipit::release

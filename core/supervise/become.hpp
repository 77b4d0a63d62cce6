// Between fork and exec: everything that makes a fresh child an app's process.
//
// The child only makes system calls (async-signal-safe): all memory is prepared before the fork.
// What goes wrong travels to the parent as {step, errno} through a close-on-exec socket, so that an
// error can say which step failed; the descriptor of reported calls goes the same way before.
#pragma once

#include "core/sys/account.hpp"
#include "core/sys/file.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace shipit::supervise {

using sys::Path;
using Environment = std::vector<std::pair<std::string, std::string>>;

// Which of a program's calls are reported to us, and wait for our answer: see bind_watch.hpp.
// (sockets: binds, and those of Unix sockets, too)
enum class Reported { nothing, binds, sockets, connects };

inline constexpr int exit_not_executed = 127; // as shells have it

// As a program expects them: for a child between fork and exec, async-signal-safe.
void default_signals() noexcept;

// What is to be started, and how.
struct Launch {
    // own: a session of its own. ours: our session and process group, so that the terminal's keys
    // reach it as they reach us, but another user cannot type into it; for `shipit run`.
    enum class Session { own, ours };

    std::vector<std::string> argv; // argv[0] without a slash is looked up in the environment's PATH
    Environment environment;       // the whole of it
    Path folder;
    std::optional<sys::Account> user; // none: as ourselves
    Session session = Session::own;
    Reported reported = Reported::nothing;
    int input = -1;  // becomes descriptor 0; -1: /dev/null
    int output = 1;  // becomes descriptor 1
    int errors = 2;  // becomes descriptor 2
    int cgroup = -1; // the folder of the control group that it is born into; -1: ours
    // Listening ones, which become descriptors 3, 4, …, by systemd's protocol (sd_listen_fds(3)).
    struct Socket {
        int descriptor;
        std::string name; // in LISTEN_FDNAMES: without ':'
    };
    std::vector<Socket> sockets{};
    std::vector<std::string> pid_variables{}; // further ones: the pid of what is executed
};

enum class LaunchStep : int {
    session,
    user,
    privileges,
    terminal,
    calls,
    folder,
    descriptors,
    execute
};

struct LaunchFailure {
    LaunchStep step;
    int error_number;
};

// A Launch as the child needs it.
class PreparedLaunch {
  public:
    explicit PreparedLaunch(const Launch& launch);
    PreparedLaunch(const PreparedLaunch&) = delete;
    PreparedLaunch& operator=(const PreparedLaunch&) = delete;

    // In the child only. Ends in execve(2), or in _exit(2) after a LaunchFailure was written.
    [[noreturn]] void become(int to_parent) const noexcept;

    [[nodiscard]] int cgroup() const { return m_launch.cgroup; }
    // "web.1 cannot be executed: …" for people, without the environment.
    [[nodiscard]] std::string text_of(const LaunchFailure& failure) const;

  private:
    void announce_sockets();
    void find_programs();
    void write_own_pid() const noexcept;
    [[nodiscard]] std::optional<LaunchFailure> place_descriptors(int& to_parent) const noexcept;
    [[nodiscard]] std::optional<LaunchFailure> drop_user() const noexcept;
    [[nodiscard]] std::optional<LaunchFailure> report_calls(int to_parent) const noexcept;
    [[nodiscard]] int execute() const noexcept;
    [[nodiscard]] std::string missing_interpreter() const;

    Launch m_launch;
    mutable std::vector<int> m_sources;    // of descriptors 0, 1, …
    std::vector<std::string> m_candidates; // what execve is tried on, in order
    std::vector<std::string> m_variables;
    std::vector<char*> m_argv;
    mutable std::vector<char*>
        m_script_argv; // for a script without #!, as execvp(3) does: /bin/sh SCRIPT …
    std::vector<char*> m_environment;
    std::vector<char*> m_own_pids; // their digits, among m_variables; only the child knows them
};

} // namespace shipit::supervise

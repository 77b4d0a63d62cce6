// Runs a program under ptrace(2) and disturbs it, or the supervisor that it starts, at one of its
// system calls. All processes that come from it are counted together: call 7 is the seventh of the
// whole command.
#pragma once

#include "tests/fault/calls.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <sys/types.h>

namespace shipit::fault {

// Whose calls count.
enum class Role {
    command,    // shipit, and what it forks until that executes something else
    supervisor, // `shipit supervise`
    other,      // programs that they start
};

struct Disturbance {
    enum class Action { count, kill, fail, keep_failing, cut_power };

    Action action = Action::count;
    std::uint64_t at = 0; // 1 is the first call
    int error_number = 0; // of fail and keep_failing
    Role whose = Role::command;
    std::string under;  // only calls that name something in this folder count; empty: all do
    std::string during; // only while a file of this name is there; empty: always
    std::vector<std::string> only; // names of calls; empty: all that the action is about
    bool flushes_log = false;      // of cut_power, which is about the file system of `under`
};

// What is told: each counted call, if `all`, or only that of the disturbance.
using OnCall = std::function<void(std::uint64_t number, const Call& call, const char* what)>;

class Tracer {
  public:
    Tracer(Disturbance disturbance, OnCall on_call, bool tells_all)
        : m_plan(std::move(disturbance)), m_on_call(std::move(on_call)), m_tells_all(tells_all) {}

    // Starts it; the first word is the path of the program, and of the supervisor's. Throws
    // std::system_error.
    void start(const std::vector<std::string>& words);

    // Until the last process that comes from it has ended; on_end is called when the first has,
    // with its wait status.
    void run(const std::function<void(int status)>& on_end);

    [[nodiscard]] std::uint64_t counted() const { return m_counted; }

  private:
    struct Process {
        Role role = Role::other;
        bool is_commands = true; // and not the supervisor's, or what it starts
        bool is_leader = false;  // it executed shipit, and was not forked by that
        bool is_known = false;   // its parent's report of it has come
        bool waits = false;      // for that
    };

    void take_stop(pid_t pid, int status);
    void take_child(const Process& parent, pid_t child);
    void take_exec(pid_t pid);
    void take_call(pid_t pid);
    [[nodiscard]] bool counts(const Process& process, const Call& call) const;
    void disturb(pid_t pid, const Call& call);
    void end_processes();

    Disturbance m_plan;
    OnCall m_on_call;
    bool m_tells_all;
    std::string m_program;
    pid_t m_first = -1;
    std::uint64_t m_counted = 0;
    std::map<pid_t, Process> m_processes;
};

} // namespace shipit::fault

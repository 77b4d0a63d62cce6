#include "tests/fault/tracer.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include <elf.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

namespace shipit::fault {

namespace {

constexpr unsigned long shutdown_request = _IOR('X', 125, std::uint32_t); // FS_IOC_SHUTDOWN
constexpr std::uint32_t flush_log = 1;
constexpr std::uint32_t lose_log = 2;
constexpr int event_shift = 16;

[[noreturn]] void throw_system(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

void go_on(pid_t pid, long signal = 0) {
    (void)::ptrace(PTRACE_CONT, pid, nullptr, signal); // it may have been killed meanwhile
}

pid_t message_of(pid_t pid) {
    unsigned long message = 0;
    (void)::ptrace(PTRACE_GETEVENTMSG, pid, nullptr, &message);
    return static_cast<pid_t>(message);
}

// The call is not made, and seems to have failed.
void make_fail(pid_t pid, int error_number) {
#if defined(__x86_64__)
    user_regs_struct registers{};
    (void)::ptrace(PTRACE_GETREGS, pid, nullptr, &registers);
    registers.orig_rax = ~0ULL;
    registers.rax = static_cast<unsigned long long>(-error_number);
    (void)::ptrace(PTRACE_SETREGS, pid, nullptr, &registers);
#elif defined(__aarch64__)
    int no_call = -1;
    iovec call{&no_call, sizeof no_call};
    (void)::ptrace(PTRACE_SETREGSET, pid, long{NT_ARM_SYSTEM_CALL}, &call);
    user_regs_struct registers{};
    iovec all{&registers, sizeof registers};
    (void)::ptrace(PTRACE_GETREGSET, pid, long{NT_PRSTATUS}, &all);
    registers.regs[0] = static_cast<unsigned long long>(-error_number);
    (void)::ptrace(PTRACE_SETREGSET, pid, long{NT_PRSTATUS}, &all);
#endif
}

// Throws, since a test of power cuts without one would show nothing.
void cut_power(const std::string& mount, bool flushes_log) {
    const std::uint32_t how = flushes_log ? flush_log : lose_log;
    const int fd = ::open(mount.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || ::ioctl(fd, shutdown_request, &how) != 0)
        throw_system("cannot shut the file system down");
    ::close(fd);
}

std::string content_of(const std::string& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

bool supervises(pid_t pid) {
    const std::string words = content_of("/proc/" + std::to_string(pid) + "/cmdline");
    constexpr std::string_view word("\0supervise\0", 11);
    return words.find(word) != std::string::npos;
}

} // namespace

void Tracer::start(const std::vector<std::string>& words) {
    m_program = std::filesystem::canonical(words.front());
    std::vector<char*> pointers;
    for (const std::string& word : words)
        pointers.push_back(const_cast<char*>(word.c_str())); // execv(3) does not write to them
    pointers.push_back(nullptr);
    std::array<int, 2> gate{};
    if (::pipe2(gate.data(), O_CLOEXEC) != 0)
        throw_system("cannot make a pipe");
    m_first = ::fork();
    if (m_first < 0)
        throw_system("cannot start a process");
    if (m_first == 0) {
        char go = 0;
        ::close(gate[1]);
        if (::read(gate[0], &go, 1) == 1 &&
            report_calls(m_plan.action == Disturbance::Action::fail ||
                         m_plan.action == Disturbance::Action::keep_failing))
            ::execv(pointers[0], pointers.data());
        ::_exit(127);
    }
    ::close(gate[0]);
    constexpr long options = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                             PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
    if (::ptrace(PTRACE_SEIZE, m_first, nullptr, options) != 0)
        throw_system("cannot trace a process");
    m_processes[m_first].is_known = true;
    (void)!::write(gate[1], "", 1);
    ::close(gate[1]);
}

void Tracer::run(const std::function<void(int status)>& on_end) {
    for (;;) {
        int status = 0;
        const pid_t pid = ::waitpid(-1, &status, __WALL);
        if (pid < 0 && errno == EINTR)
            continue;
        if (pid < 0)
            return;
        if (WIFSTOPPED(status)) {
            take_stop(pid, status);
            continue;
        }
        m_processes.erase(pid);
        if (pid == m_first)
            on_end(status);
    }
}

void Tracer::take_stop(pid_t pid, int status) {
    const int event = status >> event_shift;
    const int signal = WSTOPSIG(status);
    Process& process = m_processes[pid];
    if (!process.is_known) { // faster than its parent's report of it
        process.waits = true;
        return;
    }
    switch (event) {
    case PTRACE_EVENT_SECCOMP:
        return take_call(pid);
    case PTRACE_EVENT_FORK:
    case PTRACE_EVENT_VFORK:
    case PTRACE_EVENT_CLONE:
        take_child(process, message_of(pid));
        return go_on(pid);
    case PTRACE_EVENT_EXEC:
        take_exec(pid);
        return go_on(pid);
    case PTRACE_EVENT_STOP:
        if (signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU) {
            (void)::ptrace(PTRACE_LISTEN, pid, nullptr, nullptr);
            return;
        }
        return go_on(pid);
    default:
        return go_on(pid, signal);
    }
}

void Tracer::take_child(const Process& parent, pid_t child) {
    Process& process = m_processes[child];
    const bool waits = process.waits;
    process = parent;
    process.is_leader = false;
    process.is_known = true;
    process.waits = false;
    if (waits)
        go_on(child);
}

void Tracer::take_exec(pid_t pid) {
    if (const pid_t before = message_of(pid);
        before != pid) { // a thread, which is all there is now
        m_processes[pid] = m_processes[before];
        m_processes.erase(before);
    }
    Process& process = m_processes[pid];
    std::error_code gone;
    const auto program =
        std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/exe", gone);
    process.is_leader = program == m_program;
    if (!process.is_leader) {
        process.role = Role::other;
        return;
    }
    process.role = supervises(pid) ? Role::supervisor : Role::command;
    process.is_commands = process.role == Role::command;
}

bool Tracer::counts(const Process& process, const Call& call) const {
    using Action = Disturbance::Action;
    if (process.role != m_plan.whose)
        return false;
    if (!m_plan.during.empty() && ::access(m_plan.during.c_str(), F_OK) != 0)
        return false;
    if (!m_plan.only.empty() &&
        std::find(m_plan.only.begin(), m_plan.only.end(), call.name) == m_plan.only.end())
        return false;
    const bool fails = m_plan.action == Action::fail || m_plan.action == Action::keep_failing;
    if (fails ? !can_fail_with(call, m_plan.error_number) : !changes_something(call.kind))
        return false;
    const bool names_something = call.kind != Kind::descriptor && call.kind != Kind::process;
    return m_plan.under.empty() || (fails && !names_something) ||
           call.target.starts_with(m_plan.under + "/") || call.target == m_plan.under;
}

void Tracer::take_call(pid_t pid) {
    __ptrace_syscall_info info{};
    if (::ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) <= 0 ||
        info.op != PTRACE_SYSCALL_INFO_SECCOMP)
        return go_on(pid);
    Arguments arguments{};
    std::copy(std::begin(info.seccomp.args), std::end(info.seccomp.args), arguments.begin());
    const Process& process = m_processes[pid];
    if (process.role != m_plan.whose)
        return go_on(pid);
    const auto call = call_of(pid, info.seccomp.nr, arguments);
    if (!call || !counts(process, *call))
        return go_on(pid);
    ++m_counted;
    const bool is_due =
        m_counted == m_plan.at ||
        (m_plan.action == Disturbance::Action::keep_failing && m_counted > m_plan.at);
    if (is_due && m_plan.action != Disturbance::Action::count)
        return disturb(pid, *call);
    if (m_tells_all)
        m_on_call(m_counted, *call, "made");
    go_on(pid);
}

void Tracer::disturb(pid_t pid, const Call& call) {
    switch (m_plan.action) {
    case Disturbance::Action::fail:
    case Disturbance::Action::keep_failing:
        make_fail(pid, m_plan.error_number);
        m_on_call(m_counted, call, "failed");
        return go_on(pid);
    case Disturbance::Action::cut_power:
        cut_power(m_plan.under, m_plan.flushes_log);
        [[fallthrough]];
    default:
        // Told first: whoever waits for the end of what is killed may then look.
        m_on_call(m_counted, call, "killed");
        end_processes();
        go_on(pid);
    }
}

// A command with all that came from it; of the supervisor itself only, since what it has started
// goes on when it is killed.
void Tracer::end_processes() {
    for (const auto& [pid, process] : m_processes) {
        const bool is_wanted = m_plan.whose == Role::command
                                   ? process.is_commands
                                   : process.role == Role::supervisor && process.is_leader;
        if (is_wanted)
            (void)::kill(pid, SIGKILL);
    }
}

} // namespace shipit::fault

#include "core/supervise/launch.hpp"

#include "core/base/error.hpp"
#include "core/supervise/cgroup.hpp"
#include "core/supervise/pass_fd.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <set>

#include <boost/process/v2/process.hpp>
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// Boost.Process 1.81 launches and waits; nothing else of it is used. (Into a control group we
// launch ourselves, since it can only fork.) One initializer does all of the child's work and never
// returns, so that what is wrong with the rest is never reached: it leaks descriptors into the
// child, runs our exit handlers in a child whose exec failed and leaves it as a zombie, takes a
// failed initializer for success, and kills the process with the object.

namespace shipit::supervise {

namespace process = boost::process::v2;

namespace {

std::set<pid_t>& waited_for() {
    static std::set<pid_t> pids;
    return pids;
}

struct Becoming {
    const PreparedLaunch& launch;
    int to_parent;

    template <class Launcher, class Executable>
    boost::system::error_code on_exec_setup(Launcher& /*launcher*/, const Executable& /*path*/,
                                            const char* const*& /*argv*/) {
        launch.become(to_parent);
    }
};

// A signal's handler must not run in the child before it became the app.
class BlockedSignals {
  public:
    BlockedSignals() {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &m_before);
    }
    ~BlockedSignals() { ::pthread_sigmask(SIG_SETMASK, &m_before, nullptr); }
    BlockedSignals(const BlockedSignals&) = delete;
    BlockedSignals& operator=(const BlockedSignals&) = delete;

  private:
    sigset_t m_before{};
};

// Waits until the child is what it is to become; `calls` gets the descriptor of its reported calls.
std::optional<LaunchFailure> failure_from(int child, sys::Fd& calls) {
    for (;;) {
        LaunchFailure failure{};
        const ssize_t got = receive(child, &failure, sizeof failure, calls);
        if (got == 0) // closed by exec
            return std::nullopt;
        if (got == static_cast<ssize_t>(sizeof failure))
            return failure;
        if (got != 1)
            return LaunchFailure{LaunchStep::execute, EIO};
    }
}

using ProcessHandle = process::basic_process_handle<boost::asio::io_context::executor_type>;

// Nothing where the kernel refuses; it is then started as where there are no control groups.
std::optional<ProcessHandle> born_in_cgroup(boost::asio::io_context& context,
                                            const PreparedLaunch& prepared, int to_parent) {
    if (prepared.cgroup() < 0)
        return std::nullopt;
    const pid_t pid = fork_into(prepared.cgroup());
    if (pid == 0)
        prepared.become(to_parent);
    if (pid < 0)
        return std::nullopt;
    try {
        return ProcessHandle(context.get_executor(), pid);
    } catch (const std::exception& error) { // it could not be watched
        (void)::kill(pid, SIGKILL);
        (void)::waitpid(pid, nullptr, 0);
        throw Error(std::string("cannot start a process: ") + error.what());
    }
}

ProcessHandle forked(boost::asio::io_context& context, const PreparedLaunch& prepared,
                     int to_parent) {
    const pid_t parent = ::getpid();
    const BlockedSignals blocked;
    if (auto born = born_in_cgroup(context, prepared, to_parent))
        return std::move(*born);
    process::posix::default_launcher launcher;
    try {
        const std::vector<std::string> unused;
        auto started = launcher(context, "/", unused, Becoming{prepared, to_parent});
        return started.detach();
    } catch (const std::exception& error) {
        if (::getpid() != parent) // Asio's fork notification failed in the child
            ::_exit(127);
        if (launcher.pid > 0) { // started, but it could not be watched
            (void)::kill(launcher.pid, SIGKILL);
            (void)::waitpid(launcher.pid, nullptr, 0);
        }
        throw Error(std::string("cannot start a process: ") + error.what());
    }
}

int open_pidfd(pid_t pid) {
    return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U));
}

} // namespace

// Outlives its Child until the wait is over: Boost's wait refers to the handle, which therefore
// never moves, and the process is reaped also when nobody asks any more.
struct Child::Handle {
    Child* owner = nullptr;
    sys::Fd pidfd; // our own: signals through it cannot reach another process
    std::optional<ProcessHandle> launched;
    Loop::Watch adopted;
};

Child::Child(Loop& loop, const Launch& launch, OnExit on_exit)
    : m_on_exit(std::move(on_exit)), m_handle(std::make_shared<Handle>()) {
    const PreparedLaunch prepared(launch);
    auto [from_child, to_parent] = message_pair();
    m_handle->launched.emplace(forked(loop.context(), prepared, to_parent.get()));
    to_parent.reset();
    const pid_t pid = m_handle->launched->id();
    if (const auto failure = failure_from(from_child.get(), m_calls)) {
        (void)::waitpid(pid, nullptr, 0);
        throw Error(prepared.text_of(*failure));
    }
    try {
        m_name = {pid, sys::start_time_of(pid).value_or(0)};
    } catch (const Error&) { // nobody could tell later that it is this one
        (void)::kill(pid, SIGKILL);
        (void)::waitpid(pid, nullptr, 0);
        throw;
    }
    wait(loop);
}

void Child::wait(Loop& loop) {
    const pid_t pid = m_name.pid;
    m_handle->owner = this;
    m_handle->pidfd.reset(open_pidfd(pid));
    waited_for().insert(pid);
    // Boost.Process, told of an end that is none, would wait for it in waitpid(2).
    loop.post_after_round([&loop, pid, handle = m_handle] {
        handle->launched->async_wait(
            [&loop, pid, handle](const boost::system::error_code& error, int status) {
                waited_for().erase(pid);
                const WaitStatus known = error ? WaitStatus() : WaitStatus(status);
                loop.post([handle, known] {
                    if (handle->owner != nullptr)
                        handle->owner->ended(known);
                });
            });
    });
}

Child::Child(Loop& loop, const sys::ProcessName& process, Parent parent, OnExit on_exit)
    : m_name(process), m_on_exit(std::move(on_exit)), m_handle(std::make_shared<Handle>()) {
    if (parent == Parent::us) {
        // As long as it is not reaped, which only we can do, its pid is its own.
        if (sys::start_time_of(process.pid) != process.start_time)
            throw Error(fmt::format("process {} is gone", process.pid));
        m_handle->launched.emplace(loop.context().get_executor(), process.pid);
        wait(loop);
        return;
    }
    m_handle->owner = this;
    m_handle->pidfd.reset(open_pidfd(process.pid));
    if (!m_handle->pidfd && errno != ESRCH)
        throw_errno(fmt::format("cannot watch process {}", process.pid));
    // Checked after the pidfd is there: from then on the pid cannot change its meaning.
    if (!m_handle->pidfd || !sys::is_alive(process))
        throw Error(fmt::format("process {} is gone", process.pid));
    m_handle->adopted = loop.watch(m_handle->pidfd.get());
    m_handle->adopted.when_readable([this] { ended(std::nullopt); });
}

Child::Parent Child::parent() const {
    return m_handle->launched ? Parent::us : Parent::another;
}

Child::~Child() {
    m_handle->owner = nullptr;
    m_handle->adopted.cancel();
}

void Child::ended(WaitStatus status) {
    m_running = false;
    const OnExit on_exit = std::move(m_on_exit); // which may destroy this
    on_exit(status);
}

void Child::signal(int signal) const noexcept {
    if (!m_running)
        return;
    if (m_handle->pidfd)
        (void)::syscall(SYS_pidfd_send_signal, m_handle->pidfd.get(), signal, nullptr, 0U);
    else // for want of descriptors
        (void)::kill(m_name.pid, signal);
}

bool Child::waits_for(pid_t pid) {
    return waited_for().count(pid) != 0;
}

std::string exit_text(const WaitStatus& status) {
    if (!status)
        return "ended";
    if (WIFSIGNALED(*status)) {
        const char* name = ::sigabbrev_np(WTERMSIG(*status));
        return name != nullptr ? fmt::format("was killed by SIG{}", name)
                               : fmt::format("was killed by signal {}", WTERMSIG(*status));
    }
    return fmt::format("exited with status {}", WEXITSTATUS(*status));
}

int exit_code(int wait_status) {
    constexpr int signal_base = 128;
    return WIFSIGNALED(wait_status) ? signal_base + WTERMSIG(wait_status)
                                    : WEXITSTATUS(wait_status);
}

} // namespace shipit::supervise

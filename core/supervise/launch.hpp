// One process, from its start (Boost.Process) or its adoption to its end (pidfd).
#pragma once

#include "core/supervise/become.hpp"
#include "core/supervise/loop.hpp"
#include "core/sys/fd.hpp"
#include "core/sys/process.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace shipit::supervise {

// How a process ended: the wait status (waitpid(2)), or nothing for one that was adopted, since
// only a parent is told.
using WaitStatus = std::optional<int>;

// "exited with status 1", "was killed by SIGSEGV", "ended".
[[nodiscard]] std::string exit_text(const WaitStatus& status);
// As a shell says it: the exit status, or 128 + signal.
[[nodiscard]] int exit_code(int wait_status);

class Child {
  public:
    using OnExit = std::function<void(WaitStatus)>;

    // Starts a program. When this returns, execve(2) has succeeded; else throws Error that names
    // the step which failed. `on_exit` is called once, when it has ended and is reaped, unless the
    // Child is destroyed before.
    Child(Loop& loop, const Launch& launch, OnExit on_exit);
    // Whose child a process is that was there before: ours, started by the program that we took the
    // place of, or another supervisor's.
    enum class Parent { us, another };
    // Watches such a process. Throws Error if it is gone; of ours, only its being reaped is that.
    Child(Loop& loop, const sys::ProcessName& process, Parent parent, OnExit on_exit);
    // Forgets the process; it goes on.
    ~Child();
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    [[nodiscard]] const sys::ProcessName& name() const { return m_name; }
    [[nodiscard]] bool is_running() const { return m_running; }
    [[nodiscard]] Parent parent() const;
    // Sends a signal unless it has ended; never to another process that got the same pid.
    void signal(int signal) const noexcept;
    // For a BindWatch, where the launch asked for one.
    [[nodiscard]] sys::Fd take_calls() { return std::move(m_calls); }

    // Whether a Child of this process waits for `pid`, so that nobody else may reap it.
    [[nodiscard]] static bool waits_for(pid_t pid);

  private:
    struct Handle;
    void wait(Loop& loop);
    void ended(WaitStatus status);

    sys::ProcessName m_name;
    OnExit m_on_exit;
    bool m_running = true;
    sys::Fd m_calls;
    std::shared_ptr<Handle> m_handle;
};

} // namespace shipit::supervise

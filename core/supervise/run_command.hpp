// One command from start to end, with its output and a limit of time.
#pragma once

#include "core/supervise/bind_watch.hpp"
#include "core/supervise/launch.hpp"
#include "core/supervise/tree.hpp"
#include "core/sys/clock.hpp"

namespace shipit::supervise {

class RunCommand {
  public:
    struct End {
        WaitStatus status;
        bool timed_out = false;
    };
    using OnOutput = std::function<void(std::string_view)>; // stdout and stderr, as it comes
    using OnEnd = std::function<void(const End&)>;

    // Starts `launch`; throws Error if that fails. Where there is an `on_output`, launch's output
    // and errors are replaced by a pipe. When the command ends, or `timeout` (zero: none) passes,
    // nothing of its tree is left alive and `on_end` is called once, some seconds later where
    // processes cannot be looked at; not after destruction, which kills it all.
    RunCommand(Loop& loop, Launch launch, milliseconds timeout, OnOutput on_output, OnEnd on_end);
    ~RunCommand();
    RunCommand(const RunCommand&) = delete;
    RunCommand& operator=(const RunCommand&) = delete;

    // To be called at once where the launch asked for calls to be reported: they wait.
    void answer_calls(Loop& loop, BindWatch::OnCall on_call);
    void signal(int signal) const noexcept;
    // False if what the command started could not be looked for, or not all of it be killed: then
    // that is tried again when the command is seen to have ended.
    bool kill_tree() const noexcept;

  private:
    void listen();
    bool read_chunk();
    void ended(WaitStatus status);

    Loop& m_loop;
    OnOutput m_on_output;
    OnEnd m_on_end;
    std::vector<std::string> m_marks;
    bool m_timed_out = false;
    std::optional<sys::Deadline> m_looking; // for what it has left
    sys::Fd m_output;
    Loop::Watch m_watch;
    Loop::Timer m_timeout;
    std::unique_ptr<Child> m_child;
    std::unique_ptr<BindWatch> m_calls;
};

} // namespace shipit::supervise

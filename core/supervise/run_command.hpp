// One command from start to end, with its output and a limit of time.
#pragma once

#include "core/supervise/bind_watch.hpp"
#include "core/supervise/launch.hpp"
#include "core/supervise/tree.hpp"

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
    // nothing of its tree is left alive and `on_end` is called once, later where processes cannot
    // be looked at for a while; not after destruction, which kills it all.
    RunCommand(Loop& loop, Launch launch, milliseconds timeout, OnOutput on_output, OnEnd on_end);
    ~RunCommand();
    RunCommand(const RunCommand&) = delete;
    RunCommand& operator=(const RunCommand&) = delete;

    // To be called at once where the launch asked for calls to be reported: they wait.
    void answer_calls(Loop& loop, BindWatch::OnCall on_call);
    void signal(int signal) const noexcept;
    // Throws Error if what the command started cannot be looked for: then the command alone is
    // killed, and the others when it is seen to have ended.
    void kill_tree() const;

  private:
    void listen();
    bool read_chunk();
    void ended(WaitStatus status);
    [[nodiscard]] std::vector<Owned> stopped_rest() const;

    Loop& m_loop;
    OnOutput m_on_output;
    OnEnd m_on_end;
    std::vector<std::string> m_marks;
    bool m_timed_out = false;
    sys::Fd m_output;
    Loop::Watch m_watch;
    Loop::Timer m_timeout;
    std::unique_ptr<Child> m_child;
    std::unique_ptr<BindWatch> m_calls;
};

} // namespace shipit::supervise

// One supervised process: carries out what the policy says, and tells what happened.
#pragma once

#include "core/base/json.hpp"
#include "core/supervise/addresses.hpp"
#include "core/supervise/bequest.hpp"
#include "core/supervise/launch.hpp"
#include "core/supervise/log_pipe.hpp"
#include "core/supervise/notices.hpp"
#include "core/supervise/policy.hpp"
#include "core/supervise/program.hpp"
#include "core/supervise/tree.hpp"
#include "core/supervise/witness.hpp"

#include <deque>

namespace shipit::supervise {

class Process;

// Which generation a process belongs to, and from which of the slots it accepts.
struct Place {
    ReleaseNumber release;
    Side side;
};

// What a process works with; outlives it.
struct Surroundings {
    Loop& loop;
    LogFile& log;
    Addresses* addresses; // null: sockets cannot be handed over here
    Path run_folder;
    Limits limits;                                // the stop timeout is each program's own
    std::function<void()> changed;                // a pid or a phase: the state is to be saved
    std::function<void(const std::string&)> note; // for the supervisor's own log
    std::function<void(const Process&)> crash_looping;
    Path cgroups{};             // where each process gets one; empty: there are none to be had
    Notices* notices = nullptr; // null: nobody listens to what processes say
    Witness witness = {};
};

class Process {
  public:
    // The main process ended without having been asked to, or could not be launched; `how` is a
    // sentence's predicate: "exited with status 1 after 0.2 s".
    using OnEnded = std::function<void(Process&, const std::string& how)>;

    Process(Surroundings& surroundings, Program program, Place place, OnEnded on_ended);
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    void start();
    void stop();
    // What another supervisor started.
    struct Adopted {
        sys::ProcessName main;
        WallTime since;
        unsigned restarts = 0;
        std::string pipe;       // the FIFO's name
        bool is_handed = false; // and its slots are ours again
        Path cgroup{};
        bool speaks = false;   // it has been given the notify socket
        bool is_ready = false; // and has said so
    };
    // False if it is gone. Throws Error where it cannot be watched.
    bool adopt(const Adopted& from);
    // It runs, or will, for another release with the same program.
    void relabel(Program program, ReleaseNumber release);
    // It goes on as one of another crew's, on its side; not where it listens to a slot.
    void move(Side side, OnEnded on_ended);

    [[nodiscard]] const Program& program() const { return m_program; }
    [[nodiscard]] ReleaseNumber release() const { return m_place.release; }
    // Whether its binds are ours to answer; if not, it has its own socket.
    [[nodiscard]] bool is_handed() const { return m_is_handed; }
    [[nodiscard]] Phase phase() const { return m_state.phase; }
    [[nodiscard]] bool is_wanted() const { return m_state.wanted; }
    // Up, not hung, and not still to say that it is ready.
    [[nodiscard]] bool is_ready() const {
        return m_state.phase == Phase::up && !m_state.hung && !is_silent();
    }
    // Up, and still to say so.
    [[nodiscard]] bool is_silent() const;
    // The newest STATUS= of this run; empty: none.
    [[nodiscard]] const std::string& said() const { return m_said; }
    [[nodiscard]] TimePoint started() const { return m_state.started; }
    [[nodiscard]] std::optional<sys::ProcessName> main() const;
    // The named pipe that it writes its output to.
    [[nodiscard]] Path fifo() const;
    // The control group that it has to itself; empty: none.
    [[nodiscard]] const Path& cgroup() const { return m_cgroup; }
    // What belongs to it beside its main process.
    [[nodiscard]] std::vector<Owned> rest() const;
    // The newest lines it wrote, oldest first.
    [[nodiscard]] const std::deque<std::string>& tail() const;
    [[nodiscard]] bool is_proven() const { return m_proven; }
    void set_proven() { m_proven = true; }
    // What it asked for and cannot have, and why, as a predicate: for its log, and for who is told
    // of its end, which may come of that.
    void refused(const std::string& why);
    // One line of `shipit ps`.
    [[nodiscard]] Json status() const;
    // What the next supervisor needs to adopt it; null if nothing runs.
    [[nodiscard]] Json state() const;
    // All of it but the program, for the one that takes our place by execve(2); and, on a process
    // that was just made, from the one whose place we took.
    [[nodiscard]] Json memory(Bequest& bequest) const;
    void recall(const Json& memory);

  private:
    void feed(Event event);
    void arm();
    void try_to(Action action) noexcept;
    void act(Action action);
    void launch();
    void exited(WaitStatus status);
    void recall_main(const sys::ProcessName& main, Child::Parent parent);
    // (process_notices.cpp)
    void give_socket(Launch& launch);
    void listen();
    void take(const Notice& notice);
    void begin_watchdog();
    void look_whether_alive();
    void hangs(const std::string& why);
    void make_pipe(sys::Fd held = {});
    [[nodiscard]] std::string free_pipe_name() const;
    [[nodiscard]] sys::Fd open_cgroup();
    void tell_side();
    void prepare_socket() const;
    void look_for_rest();
    [[nodiscard]] bool is_seen_alone() const;
    void stopped();
    void signal_main(int signal) const;
    void signal_rest(int signal, bool escaped_only) const;
    void kill_tree() const;
    void kill_deaf() const;
    [[nodiscard]] std::string lasted() const;

    Surroundings& m_surroundings;
    Program m_program;
    Place m_place;
    std::string m_pipe_name; // empty: it has none
    Path m_cgroup;
    std::vector<std::string> m_marks; // of what was started
    bool m_is_handed = false;
    OnEnded m_on_ended;
    Limits m_limits;
    PolicyState m_state;
    std::deque<Event> m_events;
    bool m_feeding = false;
    bool m_proven = false;
    WallTime m_since;
    sys::ProcessName m_last_main; // also when it is gone, for its tree
    std::string m_last_exit;
    std::string m_refusal; // in this run
    std::deque<std::string> m_tail;
    std::unique_ptr<LogPipe> m_pipe;
    std::unique_ptr<Child> m_child;
    Loop::Timer m_due;
    Loop::Timer m_look;
    Loop::Timer m_end;     // which is to be told yet
    bool m_speaks = false; // what runs was given the notify socket
    bool m_said_ready = false;
    std::string m_said;
    Notices::Ear m_ear;
    TimePoint m_alive_at{}; // when it last said so
    bool m_is_late = false; // what it says may be on its way
    Loop::Timer m_watchdog;
};

} // namespace shipit::supervise

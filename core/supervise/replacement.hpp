// One generation takes another's place, beside it, with the way back.
//
//   clearing ─▶ beside ─▶ stopping ─▶ starting ─▶ waiting ──commit──▶ (over: committed)
//                 │ fails              │ fails      │ abort
//                 ▼                    ▼            ▼
//              undoing ────────▶ restoring ─▶ (over: the old one as before, or nothing)
//
// clearing   what still runs on the new one's side of the slots is retired.
// beside     those of its processes that overlap with the old ones are started, with no traffic,
// and
//            have to pass the gate. The old generation notices nothing.
// stopping   the old processes that do not overlap are told to end, and have until their stop
//            timeouts.
// starting   the new ones of that kind run; the whole generation has to pass the gate.
// waiting    it has, and gets the traffic; the client moves `current` and then commits.
// undoing    the traffic goes back, the new generation is stopped; but those of its processes that
//            had the traffic, and so may have requests to answer yet, go on.
// restoring  what was stopped of the old one is started again and has to pass its own gate, to be
//            said to serve.
//
// Where there is nothing to do in a phase, it is passed over. Where sockets cannot be handed over
// no process overlaps, and it is stop-then-start.
//
// Where a release is scaled, the next generation is of the same release, and processes of the old
// one go on as its own. If none of those that listen change, it is on the same side of the slots.
#pragma once

#include "core/supervise/gate.hpp"

namespace shipit::supervise {

class Replacement {
  public:
    struct Plan {
        std::shared_ptr<Crew> old;  // null: nothing runs
        std::shared_ptr<Crew> next; // may be running already, or be the old one itself
        std::string in_turn; // why the old one stops before the new one starts; empty: beside
        // Makes the next one's side of the slots free, and calls back from the loop.
        std::function<void(Loop::Callback)> clear;
        // Processes of the old one that go on through all of this, and are the next one's when it
        // is committed: none, where it is empty.
        Crew::Choice keeps = {};
    };
    struct Verdict {
        bool committed = false;
        std::string why;            // of the failure
        std::string evidence;       // the new generation's last lines
        std::shared_ptr<Crew> crew; // whose place it is now; null: nobody's
        // The one that is not needed any more; what of it is still wanted is to be retired.
        std::shared_ptr<Crew> other;
        bool serves = false;         // whether `crew` does
        bool untouched = false;      // of the old one: nothing of it was stopped
        std::string why_not_serving; // of the old one, started again
    };
    using OnEvent = std::function<void(const Json&)>;
    using OnOver = std::function<void(const Verdict&)>;

    Replacement(Surroundings& surroundings, Plan plan, OnEvent on_event, OnOver on_over);

    void commit();
    // Goes back; from `waiting` too. Nothing happens once it is going back already.
    void abort(const std::string& why);
    [[nodiscard]] ReleaseNumber release() const { return m_plan.next->release(); }
    [[nodiscard]] bool is_waiting() const { return m_phase == Phase::waiting; }
    // It has failed, and what served before is being brought back.
    [[nodiscard]] bool is_going_back() const { return m_phase >= Phase::undoing; }
    // Both generations, for those who want to know what runs.
    [[nodiscard]] const std::shared_ptr<Crew>& old() const { return m_plan.old; }
    [[nodiscard]] const std::shared_ptr<Crew>& next() const { return m_plan.next; }

  private:
    enum class Phase { clearing, beside, stopping, starting, waiting, undoing, restoring, over };

    void cleared();
    void when_port_is_free(unsigned attempt, const Loop::Callback& then);
    void start(Phase phase, const Crew::Choice& choice, void (Replacement::*then)());
    void stop_old();
    void old_stopped();
    void watch_next();
    void kill_strays() const;
    void go_live();
    void committed();
    void fail(const std::string& why);
    void let_go_on();
    void undo();
    void restore();
    void end(Verdict verdict);
    void tell(const char* event, ReleaseNumber release) const;
    [[nodiscard]] bool keeps(const Process& process) const;
    [[nodiscard]] bool is_in_place() const;
    [[nodiscard]] bool overlaps(const Process& process) const;

    Surroundings& m_surroundings;
    Plan m_plan;
    OnEvent m_on_event;
    OnOver m_on_over;
    Phase m_phase = Phase::clearing;
    bool m_old_stopping = false; // something of the old one was told to stop
    bool m_had_traffic;          // the new one has, or had when it was live before
    Side m_live_before;
    Crew::Choice m_unneeded = Crew::all; // of the new one, when it has failed
    std::string m_why;
    std::string m_evidence;
    std::unique_ptr<Gate> m_gate;
    Loop::Timer m_timer;
};

} // namespace shipit::supervise

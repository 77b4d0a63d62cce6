// One generation takes another's place: stop-then-start, with the way back.
//
//   stopping ─▶ starting ─▶ waiting ──commit──▶ (over: committed)
//                  │ fails      │ abort
//                  ▼            ▼
//              undoing ─▶ restoring ─▶ (over: the old one again, or nothing)
//
// stopping   the old generation is told to end and has until its stop timeouts.
// starting   the new one runs and has to pass the gate.
// waiting    it has; the client moves `current` and then commits.
// undoing    the new one is stopped.
// restoring  the old one is started again and has to pass its own gate, to be said to serve.
#pragma once

#include "core/supervise/gate.hpp"

namespace shipit::supervise {

class Replacement {
  public:
    struct Verdict {
        bool committed = false;
        std::string why;             // of the failure
        std::string evidence;        // the new generation's last lines
        std::shared_ptr<Crew> crew;  // whose place it is now; null: nobody's
        bool serves = false;         // whether that one has passed
        std::string why_not_serving; // of the old one, started again
    };
    using OnEvent = std::function<void(const Json&)>;
    using OnOver = std::function<void(const Verdict&)>;

    Replacement(Surroundings& surroundings, std::shared_ptr<Crew> old, Generation next,
                OnEvent on_event, OnOver on_over);

    void commit();
    // Goes back; from `waiting` too. Nothing happens once it is going back already.
    void abort(const std::string& why);
    [[nodiscard]] ReleaseNumber release() const { return m_next->release(); }
    [[nodiscard]] bool is_waiting() const { return m_phase == Phase::waiting; }
    // Both generations, for those who want to know what runs.
    [[nodiscard]] const std::shared_ptr<Crew>& old() const { return m_old; }
    [[nodiscard]] const std::shared_ptr<Crew>& next() const { return m_next; }

  private:
    enum class Phase { stopping, starting, waiting, undoing, restoring, over };

    void old_stopped();
    void start_when_port_is_free(unsigned attempt);
    void start();
    void judged(const std::optional<std::string>& why_not);
    void fail(const std::string& why);
    void restore();
    void end(Verdict verdict);
    void tell(const char* event, ReleaseNumber release) const;

    Surroundings& m_surroundings;
    std::shared_ptr<Crew> m_old;
    std::shared_ptr<Crew> m_next;
    OnEvent m_on_event;
    OnOver m_on_over;
    Phase m_phase = Phase::stopping;
    std::string m_why;
    std::string m_evidence;
    std::unique_ptr<Gate> m_gate;
    Loop::Timer m_timer;
};

} // namespace shipit::supervise

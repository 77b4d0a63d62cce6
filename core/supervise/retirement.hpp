// The end of a generation that gets no public connections any more: drained, then stopped.
#pragma once

#include "core/supervise/crew.hpp"

namespace shipit::supervise {

class Retirement {
  public:
    // Waits until nothing has waited in its slots for a second since `idle_since` and all that was
    // asked is being answered, but no longer than its patience; then stops it, and calls back, from
    // the loop, when nothing of it is left.
    Retirement(Surroundings& surroundings, std::shared_ptr<Crew> crew, TimePoint idle_since);
    Retirement(const Retirement&) = delete;
    Retirement& operator=(const Retirement&) = delete;

    // Who is told at the end; several may be.
    void when_done(Loop::Callback callback) { m_done.push_back(std::move(callback)); }

    // There is nothing to be drained any more: to be stopped within a moment.
    void hurry();

  private:
    void look();
    [[nodiscard]] bool has_to_answer(TimePoint now);
    void stop();

    Surroundings& m_surroundings;
    std::shared_ptr<Crew> m_crew;
    TimePoint m_quiet_since; // it may have been so for long before this began
    TimePoint m_begun;
    TimePoint m_end;
    bool m_is_told = false; // that it has requests to answer
    std::vector<Loop::Callback> m_done;
    Loop::Timer m_timer;
};

} // namespace shipit::supervise

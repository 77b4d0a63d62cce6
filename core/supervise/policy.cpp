#include "core/supervise/policy.hpp"

#include <algorithm>

namespace shipit::supervise {

namespace {

// splitmix64: small, and good enough to keep apps from restarting in step.
std::uint64_t random_from(std::uint64_t& seed) {
    seed += 0x9e3779b97f4a7c15U;
    std::uint64_t value = seed;
    value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
    value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
    return value ^ (value >> 31U);
}

// Between 90 % and 110 % of `delay`.
milliseconds jittered(milliseconds delay, std::uint64_t& seed) {
    const auto tenth = static_cast<std::uint64_t>(delay.count()) / 10;
    const std::uint64_t offset = tenth == 0 ? 0 : random_from(seed) % (2 * tenth + 1);
    return delay + milliseconds(static_cast<std::int64_t>(offset)) -
           milliseconds(static_cast<std::int64_t>(tenth));
}

class Machine {
  public:
    Machine(PolicyState state, TimePoint now, const Limits& limits)
        : m_state(state), m_now(now), m_limits(limits) {}

    PolicyStep take(Event event) {
        switch (event) {
        case Event::start:
            start();
            break;
        case Event::launched:
            m_state.phase = Phase::up;
            m_state.started = m_now;
            m_state.hung = false;
            m_state.due.reset();
            if (!m_state.wanted) // stopped while it was being launched
                stop();
            break;
        case Event::launch_failed:
            m_state.started = m_now;
            crash();
            break;
        case Event::exited:
            exited();
            break;
        case Event::hung:
            hung();
            break;
        case Event::tree_gone:
            tree_gone();
            break;
        case Event::due:
            due();
            break;
        case Event::stop:
            m_state.wanted = false;
            stop();
            break;
        }
        return {m_state, std::move(m_actions)};
    }

  private:
    void act(Action action) { m_actions.push_back(action); }

    void start() {
        m_state.wanted = true;
        if (m_state.phase == Phase::up)
            return;
        m_state.delay = milliseconds(0);
        m_state.crash_looping = false;
        m_state.exits = 0;
        if (m_state.phase == Phase::stopping || m_state.phase == Phase::sweeping)
            return; // launched when the tree is gone
        if (m_state.phase == Phase::crashed)
            act(Action::kill_tree);
        m_state.due.reset();
        act(Action::launch);
    }

    void stop() {
        if (m_state.phase == Phase::up) {
            m_state.phase = Phase::stopping;
            m_state.hung = false;
            m_state.kill_at = m_now + m_limits.stop_timeout;
            m_state.due = m_state.kill_at;
            act(Action::ask_to_end);
        } else if (m_state.phase == Phase::crashed) {
            m_state.kill_at = m_now + m_limits.stop_timeout;
            sweep();
        }
    }

    void exited() {
        if (m_state.phase == Phase::up)
            crash();
        else if (m_state.phase == Phase::stopping)
            sweep();
    }

    void hung() {
        if (m_state.phase != Phase::up || m_state.hung)
            return;
        m_state.hung = true;
        m_state.due = m_now + m_limits.stop_timeout;
        act(Action::abort);
    }

    void sweep() {
        m_state.phase = Phase::sweeping;
        m_state.due = std::min(*m_state.kill_at, m_now + m_limits.escaped_grace);
        act(Action::end_rest);
    }

    void tree_gone() {
        if (m_state.phase != Phase::sweeping)
            return;
        m_state.phase = Phase::stopped;
        m_state.due.reset();
        m_state.kill_at.reset();
        if (m_state.wanted)
            act(Action::launch);
    }

    void due() {
        if (!m_state.due || m_now < *m_state.due)
            return;
        if (m_state.phase == Phase::crashed) {
            m_state.due.reset();
            ++m_state.restarts;
            act(Action::kill_tree); // what the crashed one left may still hold its port
            act(Action::launch);
        } else if (m_state.phase == Phase::stopping || m_state.phase == Phase::up ||
                   (m_state.phase == Phase::sweeping && m_now >= *m_state.kill_at)) {
            m_state.due = m_now + m_limits.kill_again; // something may have been forked meanwhile
            act(Action::kill_tree);
        } else if (m_state.phase == Phase::sweeping) {
            m_state.due = std::min(*m_state.kill_at, m_now + m_limits.escaped_grace);
            act(Action::kill_escaped);
        }
    }

    void crash() {
        count_exit();
        if (m_now - m_state.started >= m_limits.proven)
            m_state.delay = milliseconds(0);
        m_state.delay = m_state.delay == milliseconds(0)
                            ? m_limits.first_delay
                            : std::min(m_state.delay * 2, m_limits.longest_delay);
        m_state.phase = Phase::crashed;
        m_state.hung = false;
        m_state.due = m_now + jittered(m_state.delay, m_state.seed);
        act(Action::end_rest);
        if (!m_state.wanted)
            stop();
    }

    void count_exit() {
        // However slow a loop is, it is one: only staying up ends it.
        if (m_now - m_state.started >= m_limits.proven) {
            m_state.exits = 0;
            m_state.crash_looping = false;
        }
        ++m_state.exits;
        if (m_state.exits >= m_limits.loop_exits && !m_state.crash_looping) {
            m_state.crash_looping = true;
            act(Action::tell_crash_loop);
        }
    }

    PolicyState m_state;
    TimePoint m_now;
    const Limits& m_limits;
    std::vector<Action> m_actions;
};

} // namespace

PolicyStep next_step(PolicyState state, Event event, TimePoint now, const Limits& limits) {
    return Machine(state, now, limits).take(event);
}

bool is_crash_looping(const PolicyState& state, TimePoint now, const Limits& limits) {
    const bool proven = state.phase == Phase::up && now - state.started >= limits.proven;
    return state.crash_looping && !proven;
}

const char* name_of(Phase phase) {
    switch (phase) {
    case Phase::stopped:
        return "stopped";
    case Phase::up:
        return "up";
    case Phase::crashed:
        return "crashed";
    case Phase::stopping:
    case Phase::sweeping:
        return "stopping";
    }
    return "stopped";
}

} // namespace shipit::supervise

#include "core/supervise/replacement.hpp"

#include "core/base/error.hpp"
#include "core/supervise/port.hpp"

#include <csignal>

#include <fmt/core.h>

namespace shipit::supervise {

namespace {

// A client that has moved `current` commits within milliseconds; one that hangs must not keep the
// app between two releases for ever.
constexpr milliseconds commit_patience = std::chrono::minutes(1);
constexpr milliseconds port_wait{50}; // a killed process's port may be freed a moment later
constexpr unsigned port_attempts = 10;

GateRules rules_for(const Generation& generation) {
    GateRules rules;
    rules.passes = generation.health.passes;
    rules.timeout = generation.health.timeout;
    return rules;
}

// Where it cannot be told, the start is tried: what is in the way shows then.
std::optional<PortHolder> holder_if_known(std::uint16_t port) {
    try {
        return holder_of(port);
    } catch (const Error&) {
        return std::nullopt;
    }
}

} // namespace

Replacement::Replacement(Surroundings& surroundings, Plan plan, OnEvent on_event, OnOver on_over)
    : m_surroundings(surroundings), m_plan(std::move(plan)), m_on_event(std::move(on_event)),
      m_on_over(std::move(on_over)), m_had_traffic(m_plan.next->is_wanted()),
      m_live_before(surroundings.addresses == nullptr ? Side::a : surroundings.addresses->live()) {
    m_timer = surroundings.loop.after(milliseconds(0), [this] {
        if (m_plan.next == m_plan.old || m_plan.next->is_wanted() || is_in_place())
            return cleared(); // it is on its side already
        m_plan.clear([this] { cleared(); });
    });
}

void Replacement::tell(const char* event, ReleaseNumber release) const {
    Json json = Json::object({{"event", event}, {"release", release.text()}});
    if (!m_plan.in_turn.empty())
        json.set("in_turn", m_plan.in_turn);
    m_on_event(json);
}

bool Replacement::keeps(const Process& process) const {
    return m_plan.keeps && m_plan.keeps(process);
}

bool Replacement::is_in_place() const {
    return m_plan.keeps && m_plan.old && m_plan.old->side() == m_plan.next->side();
}

bool Replacement::overlaps(const Process& process) const {
    return m_plan.in_turn.empty() && !is_in_place() && process.program().overlaps;
}

void Replacement::cleared() {
    if (m_phase != Phase::clearing) // aborted meanwhile
        return;
    Crew& next = *m_plan.next;
    const bool runs = next.is_wanted() || is_in_place();
    if (m_surroundings.addresses != nullptr && !runs)
        m_surroundings.addresses->occupy(next.side(), next.generation().all_ports(),
                                         next.generation().web_ports());
    const auto beside = [this](const Process& process) {
        return overlaps(process) && !keeps(process);
    };
    if (next.has(beside))
        return start(Phase::beside, beside, &Replacement::stop_old);
    stop_old();
}

// Then the gate, and what comes after it.
void Replacement::start(Phase phase, const Crew::Choice& choice, void (Replacement::*then)()) {
    m_phase = phase;
    when_port_is_free(1, [this, phase, choice, then] {
        tell("starting", m_plan.next->release());
        m_gate.reset(); // before the next one listens where this one did
        GateRules rules = rules_for(m_plan.next->generation());
        rules.all_settle = static_cast<bool>(m_plan.keeps); // for there may be no watch afterwards
        m_gate =
            std::make_unique<Gate>(m_surroundings.loop, *m_plan.next, rules,
                                   [this, phase, then](const std::optional<std::string>& why_not) {
                                       if (m_phase == phase) // not aborted meanwhile
                                           why_not ? fail(*why_not) : (this->*then)();
                                   });
        m_plan.next->start(choice);
    });
}

// A port that we hold is free for our own programs.
void Replacement::when_port_is_free(unsigned attempt, const Loop::Callback& then) {
    const Phase phase = m_phase;
    const Generation& generation = m_plan.next->generation();
    const Addresses* addresses = m_surroundings.addresses;
    if (!generation.listens() || !generation.port || m_plan.next->is_wanted() ||
        (addresses != nullptr && addresses->holds(*generation.port)))
        return then();
    const auto holder = holder_if_known(*generation.port);
    if (!holder)
        return then();
    if (attempt >= port_attempts)
        return fail(fmt::format("port {} is in use by {}", *generation.port, holder->text()));
    m_timer = m_surroundings.loop.after(port_wait, [this, phase, attempt, then] {
        if (m_phase == phase)
            when_port_is_free(attempt + 1, then);
    });
}

void Replacement::stop_old() {
    const auto in_turn = [this](const Process& process) {
        return !overlaps(process) && !keeps(process);
    };
    m_phase = Phase::stopping;
    if (!m_plan.old || m_plan.old == m_plan.next || !m_plan.old->has([&](const Process& process) {
            return in_turn(process) && process.phase() != supervise::Phase::stopped;
        }))
        return old_stopped();
    m_old_stopping = true;
    watch_next(); // its gate has seen what it was to see
    tell("stopping", m_plan.old->release());
    m_plan.old->suspend(in_turn, [this] { old_stopped(); });
}

void Replacement::kill_strays() const {
    try {
        for (const sys::ProcessName& stray : strays())
            signal_exactly(stray, SIGKILL);
    } catch (const Error& error) { // they are in nobody's way, or that will be told
        m_surroundings.note(std::string("what was left is not killed: ") + error.what());
    }
}

void Replacement::old_stopped() {
    if (m_phase != Phase::stopping) // aborted meanwhile
        return;
    // With one generation at a time, whatever else descends from us is a leftover.
    if (!m_plan.next->is_wanted() &&
        (!m_plan.old || (m_plan.old != m_plan.next && m_plan.old->is_stopped())))
        kill_strays();
    const auto rest = [this](const Process& process) {
        return !overlaps(process) && !keeps(process) && !process.is_wanted();
    };
    // What has waited for the old ones' end may have fallen ill meanwhile.
    if (m_plan.next->has(rest) || m_old_stopping)
        return start(Phase::starting, rest, &Replacement::go_live);
    go_live();
}

// Until a gate does, or the watch.
void Replacement::watch_next() {
    m_plan.next->on_ended([this](Process& process, const std::string& how) {
        fail(process.program().name + " " + how);
    });
}

void Replacement::go_live() {
    m_phase = Phase::waiting;
    m_had_traffic = true;
    watch_next();
    m_timer = m_surroundings.loop.after(commit_patience,
                                        [this] { fail("the deploying command did not commit"); });
    try {
        if (m_surroundings.addresses != nullptr)
            m_surroundings.addresses->go_live(m_plan.next->side());
    } catch (const std::exception& error) {
        return fail(std::string("the traffic cannot be led to it: ") + error.what());
    }
    tell("healthy", m_plan.next->release());
}

void Replacement::commit() {
    if (m_phase != Phase::waiting)
        return;
    // From the loop: whoever is told may destroy this. What ends until then fails it yet, so that
    // no moment is left between this and the watch.
    m_timer = m_surroundings.loop.after(milliseconds(0), [this] { committed(); });
}

void Replacement::committed() {
    m_phase = Phase::over;
    m_plan.next->on_ended({});
    if (m_plan.keeps && m_plan.old)
        m_plan.next->take(*m_plan.old, m_plan.keeps);
    const Verdict verdict{true, {}, {}, m_plan.next, m_plan.old, true, false, {}};
    const OnOver on_over = std::move(m_on_over);
    on_over(verdict);
}

void Replacement::abort(const std::string& why) {
    if (m_phase < Phase::undoing)
        fail(why);
}

void Replacement::fail(const std::string& why) {
    m_why = why;
    const bool is_old_stopping = m_phase == Phase::stopping && m_old_stopping;
    if (m_had_traffic)
        let_go_on();
    m_phase = Phase::undoing;
    m_plan.next->on_ended({});
    try {
        if (m_surroundings.addresses != nullptr)
            m_surroundings.addresses->go_live(m_live_before);
    } catch (const std::exception& error) { // the rest of the way back is all the more wanted
        m_surroundings.note(error.what());
    }
    // At once: what ended would otherwise be started again until undo() comes to it.
    if (m_plan.next != m_plan.old)
        m_plan.next->stop(m_unneeded, [] {});
    m_on_event(Json::object(
        {{"event", "failed"}, {"release", m_plan.next->release().text()}, {"why", why}}));
    // Not the gate itself, which may be calling us.
    m_timer = m_surroundings.loop.after(milliseconds(0), [this, is_old_stopping] {
        m_gate.reset();
        if (!is_old_stopping)
            return undo();
        // Waits for it: a process can be started again only then.
        m_plan.old->stop(
            [this](const Process& process) { return !overlaps(process) && !keeps(process); },
            [this] { undo(); });
    });
}

// The old one gets what comes from now on; what has come to the new one is not cut.
void Replacement::let_go_on() {
    const Crew& next = *m_plan.next;
    if (next.side() != m_live_before && m_plan.old && m_plan.old->is_wanted())
        m_unneeded = [this, accepts = next.accepting()](const Process& process) {
            return !overlaps(process) || !accepts(process);
        };
}

void Replacement::undo() {
    if (m_plan.next == m_plan.old)
        return restore();
    m_plan.next->stop(m_unneeded, [this] {
        m_evidence = m_plan.next->evidence();
        restore();
    });
}

void Replacement::restore() {
    m_phase = Phase::restoring;
    const std::shared_ptr<Crew>& old = m_plan.old;
    if (!old || !m_old_stopping || !old->was_suspended_running()) {
        const bool serves = old && old->is_wanted();
        return end({false, m_why, m_evidence, old, m_plan.next, serves, serves, {}});
    }
    tell("restoring", old->release());
    GateRules rules = rules_for(old->generation());
    rules.passes = 1; // it has been proven before
    rules.forgives_exits = true;
    m_gate = std::make_unique<Gate>(m_surroundings.loop, *old, rules,
                                    [this](const std::optional<std::string>& why_not) {
                                        end({false, m_why, m_evidence, m_plan.old, m_plan.next,
                                             !why_not, false, why_not.value_or("")});
                                    });
    old->resume();
}

void Replacement::end(Verdict verdict) {
    m_phase = Phase::over;
    m_timer.cancel();
    // From the loop: whoever is told may destroy this.
    m_timer = m_surroundings.loop.after(milliseconds(0), [this, verdict = std::move(verdict)] {
        const OnOver on_over = std::move(m_on_over);
        on_over(verdict);
    });
}

} // namespace shipit::supervise

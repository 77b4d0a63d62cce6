#include "core/supervise/replacement.hpp"

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

} // namespace

Replacement::Replacement(Surroundings& surroundings, std::shared_ptr<Crew> old, Generation next,
                         OnEvent on_event, OnOver on_over)
    : m_surroundings(surroundings), m_old(std::move(old)),
      m_next(std::make_shared<Crew>(surroundings, std::move(next))),
      m_on_event(std::move(on_event)), m_on_over(std::move(on_over)) {
    if (!m_old || m_old->is_stopped()) {
        m_timer = surroundings.loop.after(milliseconds(0), [this] { old_stopped(); });
        return;
    }
    tell("stopping", m_old->release());
    m_old->suspend([this] { old_stopped(); });
}

void Replacement::tell(const char* event, ReleaseNumber release) const {
    m_on_event(Json::object({{"event", event}, {"release", release.text()}}));
}

void Replacement::old_stopped() {
    if (m_phase != Phase::stopping) // aborted meanwhile
        return;
    // With one generation at a time, whatever else descends from us is a leftover.
    for (const sys::ProcessName& stray : strays())
        signal_exactly(stray, SIGKILL);
    m_phase = Phase::starting;
    start_when_port_is_free(1);
}

void Replacement::start_when_port_is_free(unsigned attempt) {
    if (m_phase != Phase::starting)
        return;
    const Generation& generation = m_next->generation();
    if (!generation.listens())
        return start();
    const auto holder = holder_of(*generation.port);
    if (!holder)
        return start();
    if (attempt >= port_attempts)
        return fail(fmt::format("port {} is in use by {}", *generation.port, holder->text()));
    m_timer = m_surroundings.loop.after(port_wait,
                                        [this, attempt] { start_when_port_is_free(attempt + 1); });
}

void Replacement::start() {
    tell("starting", m_next->release());
    m_gate = std::make_unique<Gate>(
        m_surroundings.loop, *m_next, rules_for(m_next->generation()),
        [this](const std::optional<std::string>& why_not) { judged(why_not); });
    m_next->start();
}

void Replacement::judged(const std::optional<std::string>& why_not) {
    if (why_not)
        return fail(*why_not);
    m_phase = Phase::waiting;
    m_next->on_ended([this](Process& process, const std::string& how) {
        fail(process.program().name + " " + how);
    });
    m_timer = m_surroundings.loop.after(commit_patience,
                                        [this] { fail("the deploying command did not commit"); });
    tell("healthy", m_next->release());
}

void Replacement::commit() {
    if (m_phase != Phase::waiting)
        return;
    m_next->on_ended({});
    end({true, {}, {}, m_next, true, {}});
}

void Replacement::abort(const std::string& why) {
    if (m_phase == Phase::stopping || m_phase == Phase::starting || m_phase == Phase::waiting)
        fail(why);
}

void Replacement::fail(const std::string& why) {
    m_why = why;
    const bool has_old_stopped = m_phase != Phase::stopping;
    m_phase = Phase::undoing;
    m_next->on_ended({});
    m_on_event(
        Json::object({{"event", "failed"}, {"release", m_next->release().text()}, {"why", why}}));
    // Not the gate itself, which may be calling us.
    m_timer = m_surroundings.loop.after(milliseconds(0), [this, has_old_stopped] {
        m_gate.reset();
        const auto next_stopped = [this] {
            m_evidence = m_next->evidence();
            restore();
        };
        if (has_old_stopped)
            return m_next->stop({}, next_stopped);
        m_old->stop({}, next_stopped); // waits for it: a process can be started again only then
    });
}

void Replacement::restore() {
    m_phase = Phase::restoring;
    if (!m_old || !m_old->was_suspended_running())
        return end({false, m_why, m_evidence, m_old, false, {}});
    tell("restoring", m_old->release());
    GateRules rules = rules_for(m_old->generation());
    rules.passes = 1; // it has been proven before
    rules.forgives_exits = true;
    m_gate = std::make_unique<Gate>(
        m_surroundings.loop, *m_old, rules, [this](const std::optional<std::string>& why_not) {
            end({false, m_why, m_evidence, m_old, !why_not, why_not.value_or("")});
        });
    m_old->resume();
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

// One release takes another's place: the orders for it, and what becomes of both generations.

#include "core/supervise/supervisor_core.hpp"

#include "core/base/error.hpp"

#include <utility>

#include <fmt/core.h>

namespace shipit::supervise {

namespace {

// To whoever asked for a release that failed; `serving`: what serves all the same, if anything.
Json failure_told(const Replacement::Verdict& verdict, const std::string& serving) {
    Json answer = Json::object({{"done", true},
                                {"ok", false},
                                {"release", verdict.other->release().text()},
                                {"why", verdict.why},
                                {"evidence", verdict.evidence},
                                {"untouched", verdict.untouched},
                                {"serving", serving.empty() ? Json() : Json(serving)}});
    if (!verdict.why_not_serving.empty())
        answer.set("why_not_serving", verdict.why_not_serving);
    return answer;
}

} // namespace

void Supervisor::Core::replace(ClientId client, const Json& request) {
    Generation next = generation_from(request["generation"]);
    end_watch("another release is taking its place");
    begin("replacing the running release");
    m_replacing_for = client;
    m_commit_when_healthy = false;
    m_is_scaling = request["keep"].boolean() && m_crew && m_crew->is_wanted() &&
                   m_crew->release() == next.release;
    if (!m_is_scaling)
        m_next_may_go_back = request["go_back"].boolean();
    m_replacement = std::make_unique<Replacement>(
        m_surroundings, m_is_scaling ? plan_for_scaled(std::move(next)) : plan_for(std::move(next)),
        [this](const Json& event) {
            note(event.dump());
            m_control.send(m_replacing_for, event);
            if (m_commit_when_healthy && event["event"].text() == "healthy")
                m_loop.post([this] {
                    if (m_replacement)
                        m_replacement->commit();
                });
        },
        [this](const Replacement::Verdict& verdict) { replaced(verdict); });
}

Replacement::Plan Supervisor::Core::plan_for(Generation next) {
    Replacement::Plan plan{m_crew, nullptr, why_in_turn(next),
                           [this](Loop::Callback then) { clear_side(std::move(then)); }};
    const bool was_taken_back = std::exchange(m_was_taken_back, false);
    if (was_taken_back && m_crew->generation().runs_as(next)) {
        m_label_before = m_crew->generation();
        plan.next = m_crew;
    } else if (m_warm && !m_retirement && plan.in_turn.empty() && m_warm->is_up() &&
               m_warm->generation().runs_as(next)) {
        m_warm_end.cancel();
        plan.next = std::exchange(m_warm, nullptr);
    } else {
        plan.next = std::make_shared<Crew>(m_surroundings, std::move(next), side_for_next());
        return plan;
    }
    plan.next->relabel(std::move(next));
    return plan;
}

Side Supervisor::Core::side_for_next() const {
    if (m_addresses)
        return other(m_addresses->live());
    return m_crew ? other(m_crew->side()) : Side::a;
}

// Why the old generation has to stop before the new one can start; empty: they run side by side.
std::string Supervisor::Core::why_in_turn(const Generation& next) const {
    if (!next.hands_over)
        return "app.handover is \"restart\"";
    if (!m_addresses)
        return m_why_no_handover;
    if (!m_crew || !next.listens())
        return "";
    for (const auto& process : m_crew->processes())
        if (process->program().overlaps && process->is_wanted() && !process->is_handed())
            return fmt::format("{} has a socket of its own, since another supervisor started it",
                               process->program().name);
    try {
        if (const auto holder = m_crew->unseen())
            return fmt::format(
                "{} has a socket of its own, whose bind(2) the kernel did not report",
                holder->text());
    } catch (const Error&) { // the next one's own bind(2) tells
    }
    return "";
}

void Supervisor::Core::commit(ClientId client, const Json& /*request*/) {
    const bool is_its = m_replacement && client == m_replacing_for;
    if (is_its && m_replacement->is_going_back())
        return; // how that ends is told when it has
    if (!is_its || !m_replacement->is_waiting())
        return refuse(client, "there is nothing to commit");
    m_replacement->commit();
}

void Supervisor::Core::abort(ClientId client, const Json& /*request*/) {
    const auto is_its = [client](const auto& order) { return order.first == client; };
    if (std::erase_if(m_waiting, is_its) > 0)
        return refuse(client, "it was cancelled");
    if (!m_replacement || client != m_replacing_for)
        return refuse(client, "there is nothing to abort");
    m_replacement->abort("it was cancelled");
}

void Supervisor::Core::replaced(const Replacement::Verdict& verdict) {
    const Replacement::Verdict kept = verdict; // what tells us goes now:
    m_replacement.reset(); // its gate would take the crew's watcher from the watch that begins
    m_on_clear = nullptr;
    m_busy.clear();
    m_crew = kept.crew;
    const ClientId client = std::exchange(m_replacing_for, 0);
    m_surroundings.changed();
    kept.committed ? committed(kept, client) : not_committed(kept, client);
    m_label_before.reset();
    if (client == 0)
        m_loop.post([this] { take_waiting(); }); // not while the replacement is calling
}

void Supervisor::Core::committed(const Replacement::Verdict& verdict, ClientId client) {
    note(m_crew->release().text() + " is committed");
    if (!m_is_scaling)
        m_may_go_back = m_next_may_go_back;
    if (verdict.other != m_warm) // which is on its way out
        keep_warm(verdict.other);
    m_control.send(client, event_of("committed", m_crew->release()));
    m_trial_end = m_loop.after(milliseconds(0), [this] { wait_for_trial_end(); });
    if (!m_is_scaling || needs_watch(m_crew->release()))
        return begin_watch(client);
    m_control.finish(
        client,
        Json::object({{"done", true}, {"ok", true}, {"release", m_crew->release().text()}}));
}

void Supervisor::Core::not_committed(const Replacement::Verdict& verdict, ClientId client) {
    const ReleaseNumber release = verdict.other->release();
    if (verdict.other == m_crew)
        m_crew->relabel(m_label_before.value());
    else if (verdict.other->is_wanted())
        retire(verdict.other);
    else if ((!m_warm || m_warm->side() != verdict.other->side()) && // else it never came there
             (!m_crew || m_crew->side() != verdict.other->side()))
        vacate(verdict.other->side());
    if (!m_crew && m_addresses)
        m_addresses->close();
    const std::string serving = verdict.serves ? m_crew->release().text() : "";
    note(fmt::format("{} failed: {}; {} serves", release.text(), verdict.why,
                     serving.empty() ? "nothing" : serving));
    m_control.finish(client, failure_told(verdict, serving));
    if (verdict.serves && needs_watch(m_crew->release()))
        begin_watch(0); // anew: nobody looked meanwhile
    if (client == 0)    // who could have put `current` back is gone
        put_current_back(release, verdict.why);
}

void Supervisor::Core::put_current_back(ReleaseNumber release, const std::string& why) {
    if (!m_crew || m_crew->release() == release || !is_live(release))
        return;
    if (m_options.on_watch_failed)
        tell_outside([this, release, why] {
            if (is_live(release))
                m_options.on_watch_failed(release, why, Told::nobody);
        });
}

void Supervisor::Core::client_gone(ClientId client) {
    std::erase_if(m_waiting, [client](const auto& order) { return order.first == client; });
    if (client == m_watching_for)
        m_watching_for = 0;
    if (client == m_busy_for && !m_busy.empty()) {
        note("nobody waits for its end any more: " + m_busy);
        m_busy_for = 0;
        if (m_gate)
            leave_start();
        return;
    }
    if (client != m_replacing_for || client == 0)
        return;
    m_replacing_for = 0;
    if (!m_replacement)
        return;
    // It may have moved `current` before it died; that is what decides.
    if (!is_live(m_replacement->release()))
        return m_replacement->abort("the deploying command ended before it was done");
    m_commit_when_healthy = true;
    m_replacement->commit();
}

bool Supervisor::Core::is_live(ReleaseNumber release) {
    try {
        const auto live = m_options.live();
        return live && live->release == release;
    } catch (const std::exception& error) {
        note(std::string("cannot tell what is live: ") + error.what());
        return false;
    }
}

} // namespace shipit::supervise

// The orders that come through the control socket.

#include "core/base/error.hpp"
#include "core/supervise/port.hpp"
#include "core/supervise/supervisor_core.hpp"

#include <array>
#include <string_view>
#include <utility>

#include <fmt/core.h>
#include <unistd.h>

namespace shipit::supervise {

namespace {

Json event_of(const char* event, ReleaseNumber release) {
    return Json::object({{"event", event}, {"release", release.text()}});
}

Json answer_ok() {
    return Json::object({{"done", true}, {"ok", true}});
}

} // namespace

void Supervisor::Core::take_request(ClientId client, const Json& request) {
    try {
        dispatch(client, request);
    } catch (const std::exception& error) {
        refuse(client, error.what());
    }
}

void Supervisor::Core::dispatch(ClientId client, const Json& request) {
    struct Order {
        std::string_view name;
        bool changes; // and so cannot come while another one does
        Answer answer;
    };
    static constexpr std::array orders = {
        Order{"ping", false, &Core::ping},         Order{"status", false, &Core::status},
        Order{"commit", false, &Core::commit},     Order{"abort", false, &Core::abort},
        Order{"replace", true, &Core::replace},    Order{"start", true, &Core::start},
        Order{"stop", true, &Core::stop},          Order{"restart", true, &Core::restart},
        Order{"shutdown", false, &Core::shutdown},
    };
    const std::string name = request["request"].text();
    for (const Order& order : orders) {
        if (order.name != name)
            continue;
        if (order.changes && !m_busy.empty()) {
            m_control.finish(client, Json::object({{"done", true},
                                                   {"ok", false},
                                                   {"busy", true},
                                                   {"why", "the supervisor is busy " + m_busy}}));
            return;
        }
        return (this->*order.answer)(client, request);
    }
    refuse(client, "there is no request '" + printable(name) + "'");
}

void Supervisor::Core::refuse(ClientId client, const std::string& why) {
    m_control.finish(client, Json::object({{"done", true}, {"ok", false}, {"why", why}}));
}

void Supervisor::Core::begin(const char* work) {
    m_busy = work;
    m_gate.reset(); // of the start before
}

// --- Looking ---

void Supervisor::Core::ping(ClientId client, const Json& /*request*/) {
    m_control.finish(client, answer_ok().set("pid", static_cast<int>(::getpid())));
}

void Supervisor::Core::status(ClientId client, const Json& /*request*/) {
    Json processes = Json::array();
    for (const Crew* crew : crews())
        for (const auto& process : crew->processes()) {
            Json line = process->status();
            const auto& generation = crew->generation();
            if (generation.listens() && process->program().type == "web")
                line.set("port", unsigned{*generation.port});
            processes.push_back(std::move(line));
        }
    Json answer = answer_ok();
    answer.set("pid", static_cast<int>(::getpid()));
    if (m_crew)
        answer.set("release", m_crew->release().text());
    if (!m_busy.empty())
        answer.set("busy_with", m_busy);
    answer.set("watching", static_cast<bool>(m_vigil));
    answer.set("processes", std::move(processes));
    m_control.finish(client, answer);
}

// --- Replacing ---

void Supervisor::Core::replace(ClientId client, const Json& request) {
    Generation next = generation_from(request["generation"]);
    end_watch("another release is taking its place");
    begin("replacing the running release");
    m_replacing_for = client;
    m_commit_when_healthy = false;
    m_replacement = std::make_unique<Replacement>(
        m_surroundings, m_crew, std::move(next),
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

void Supervisor::Core::commit(ClientId client, const Json& /*request*/) {
    if (!m_replacement || client != m_replacing_for || !m_replacement->is_waiting())
        return refuse(client, "there is nothing to commit");
    m_replacement->commit();
}

void Supervisor::Core::abort(ClientId client, const Json& /*request*/) {
    if (!m_replacement || client != m_replacing_for)
        return refuse(client, "there is nothing to abort");
    m_replacement->abort("it was cancelled");
}

void Supervisor::Core::replaced(const Replacement::Verdict& verdict) {
    const ReleaseNumber release = m_replacement->release();
    m_crew = verdict.crew;
    m_replacement.reset();
    m_busy.clear();
    const ClientId client = std::exchange(m_replacing_for, 0);
    m_surroundings.changed();
    if (verdict.committed) {
        note(release.text() + " is committed");
        m_control.send(client, event_of("committed", release));
        return begin_watch(client);
    }
    note(fmt::format("{} failed: {}; {}", release.text(), verdict.why,
                     verdict.serves ? m_crew->release().text() + " serves" : "nothing serves"));
    Json answer = Json::object({{"done", true},
                                {"ok", false},
                                {"release", release.text()},
                                {"why", verdict.why},
                                {"evidence", verdict.evidence}});
    answer.set("serving", verdict.serves ? Json(m_crew->release().text()) : Json());
    if (!verdict.why_not_serving.empty())
        answer.set("why_not_serving", verdict.why_not_serving);
    m_control.finish(client, answer);
}

void Supervisor::Core::client_gone(ClientId client) {
    if (client == m_watching_for)
        m_watching_for = 0;
    if (client != m_replacing_for || client == 0)
        return;
    m_replacing_for = 0;
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

// --- Watching ---

void Supervisor::Core::begin_watch(ClientId client) {
    m_watching_for = client;
    m_vigil = std::make_unique<Vigil>(
        m_loop, *m_crew, [this](const std::optional<std::string>& why_not) { watched(why_not); });
}

void Supervisor::Core::watched(const std::optional<std::string>& why_not) {
    m_vigil.reset();
    const ReleaseNumber release = m_crew->release();
    const ClientId client = std::exchange(m_watching_for, 0);
    note(release.text() + (why_not ? " failed in its watch: " + *why_not : " is good"));
    if (why_not) {
        m_control.send(client, event_of("watch_failed", release).set("why", *why_not));
        m_control.finish(client, Json::object({{"done", true},
                                               {"ok", false},
                                               {"release", release.text()},
                                               {"watch_failed", true},
                                               {"why", *why_not},
                                               {"evidence", m_crew->evidence()}}));
        if (m_options.on_watch_failed)
            m_options.on_watch_failed(release, *why_not, client != 0);
        return;
    }
    m_control.send(client, event_of("watch_passed", release));
    m_control.finish(client, answer_ok().set("release", release.text()));
    if (m_options.on_good)
        m_options.on_good(release);
}

void Supervisor::Core::end_watch(const std::string& why) {
    if (!m_vigil)
        return;
    m_vigil.reset();
    const ClientId client = std::exchange(m_watching_for, 0);
    m_control.finish(
        client, Json::object({{"done", true}, {"ok", false}, {"watch_ended", true}, {"why", why}}));
}

// --- Starting and stopping ---

// Which processes a request is about: a name, a type, or all. Throws for one that there is not.
std::string Supervisor::Core::chosen(const Json& request) const {
    std::string which = request["process"].text();
    if (!which.empty() && (!m_crew || !m_crew->has(which)))
        throw Error("there is no process '" + printable(which) + "'");
    return which;
}

// What is live now, where nothing runs that would have to be stopped first.
void Supervisor::Core::take_generation() {
    if (m_crew && !m_crew->is_stopped())
        return;
    auto live = m_options.live();
    if (!live)
        throw Error("there is no live release to start");
    m_gate.reset(); // of the crew that goes now
    end_watch("it is being started anew");
    m_crew = std::make_shared<Crew>(m_surroundings, std::move(*live));
    const Generation& generation = m_crew->generation();
    if (!generation.listens())
        return;
    if (const auto holder = holder_of(*generation.port))
        throw Error(fmt::format("port {} is in use by {}", *generation.port, holder->text()));
}

void Supervisor::Core::start(ClientId client, const Json& request) {
    take_generation();
    start_and_answer(client, chosen(request));
}

void Supervisor::Core::stop(ClientId client, const Json& request) {
    const std::string which = chosen(request);
    end_watch("it is being stopped");
    if (!m_crew)
        return m_control.finish(client, answer_ok());
    begin("stopping processes");
    m_crew->stop(which, [this, client] {
        m_busy.clear();
        m_control.finish(client, answer_ok());
    });
}

void Supervisor::Core::restart(ClientId client, const Json& request) {
    const std::string which = chosen(request);
    end_watch("it is being restarted");
    if (!m_crew || m_crew->is_stopped())
        return start(client, request);
    begin("restarting processes");
    m_crew->stop(which, [this, client, which] { start_and_answer(client, which); });
}

void Supervisor::Core::start_and_answer(ClientId client, const std::string& which) {
    begin("starting processes");
    GateRules rules;
    rules.passes = m_crew->generation().health.passes;
    rules.timeout = m_crew->generation().health.timeout;
    m_gate = std::make_unique<Gate>(
        m_loop, *m_crew, rules, [this, client](const std::optional<std::string>& why_not) {
            m_busy.clear();
            Json answer = Json::object({{"done", true}, {"ok", !why_not}});
            if (why_not)
                answer.set("why", *why_not).set("evidence", m_crew->evidence());
            m_control.finish(client, answer);
            m_gate.reset();
        });
    m_crew->start(which);
}

void Supervisor::Core::shutdown(ClientId client, const Json& /*request*/) {
    m_control.finish(client, answer_ok());
    end_all();
}

} // namespace shipit::supervise

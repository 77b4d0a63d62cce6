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

Json event_of(const char* event, ReleaseNumber release) {
    return Json::object({{"event", event}, {"release", release.text()}});
}

Json answer_ok() {
    return Json::object({{"done", true}, {"ok", true}});
}

void Supervisor::Core::take_request(ClientId client, const Json& request) {
    try {
        dispatch(client, request);
    } catch (const Error& error) {
        m_control.finish(
            client,
            Json::object(
                {{"done", true}, {"ok", false}, {"why", error.why()}, {"next", error.next()}}));
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
        Order{"shutdown", false, &Core::shutdown}, Order{"renew", true, &Core::renew},
    };
    const std::string name = request["request"].text();
    for (const Order& order : orders) {
        if (order.name != name)
            continue;
        if (order.changes && is_clearing_up()) {
            m_waiting.emplace_back(client, request); // that ends soon
            return;
        }
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

// What an earlier supervisor, a command that was killed, or a release that failed in its watch left
// half done. Whoever asks meanwhile holds the lock of the app, and could do nothing about it.
bool Supervisor::Core::is_clearing_up() const {
    return !m_ending && !m_busy.empty() && m_replacing_for == 0 && m_busy_for == 0;
}

void Supervisor::Core::take_waiting() {
    for (const auto& [client, request] : std::exchange(m_waiting, {}))
        take_request(client, request);
}

void Supervisor::Core::refuse(ClientId client, const std::string& why) {
    m_control.finish(client, Json::object({{"done", true}, {"ok", false}, {"why", why}}));
}

void Supervisor::Core::begin(const char* work, ClientId client) {
    m_busy = work;
    m_busy_for = client;
    m_gate.reset(); // of the start before
}

// What was begun for a client is over, who may be gone.
void Supervisor::Core::finish(const Json& answer) {
    m_busy.clear();
    if (m_busy_for == 0)
        return m_loop.post([this] { take_waiting(); }); // not while a crew is calling
    m_control.finish(std::exchange(m_busy_for, 0), answer);
}

// --- Looking ---

void Supervisor::Core::ping(ClientId client, const Json& /*request*/) {
    m_control.finish(client, answer_ok()
                                 .set("pid", static_cast<int>(::getpid()))
                                 .set("ending", m_ending)
                                 .set("outdated", m_program.is_outdated()));
}

Json Supervisor::Core::status_of(const Crew& crew, const Process& process) const {
    Json line = process.status();
    if (&crew == m_warm.get() && process.phase() == Phase::up)
        line.set("state", "warm");
    if (crew.generation().port && process.program().type == "web")
        line.set("port", unsigned{*crew.generation().port});
    return line;
}

void Supervisor::Core::status(ClientId client, const Json& /*request*/) {
    Json processes = Json::array();
    for (const Crew* crew : crews())
        for (const auto& process : crew->processes())
            processes.push_back(status_of(*crew, *process));
    Json answer = answer_ok();
    answer.set("pid", static_cast<int>(::getpid()));
    if (m_crew)
        answer.set("release", m_crew->release().text());
    if (!m_busy.empty())
        answer.set("busy_with", m_busy);
    answer.set("watching", is_watched());
    answer.set("handover", m_addresses ? "gated" : "restart");
    if (!m_addresses)
        answer.set("why_restart", m_why_no_handover);
    answer.set("cgroups", m_why_no_cgroups.empty());
    if (!m_why_no_cgroups.empty())
        answer.set("why_no_cgroups", m_why_no_cgroups);
    answer.set("processes", std::move(processes));
    m_control.finish(client, answer);
}

// --- Starting and stopping ---

// Which processes a request is about: a name, a type, or all. Throws for one that there is not.
std::string Supervisor::Core::chosen(const Json& request) const {
    std::string which = request["process"].text();
    if (which.empty() || (m_crew && m_crew->has(Crew::called(which))))
        return which;
    std::vector<std::string> names;
    if (m_crew)
        for (const auto& process : m_crew->processes())
            names.insert(names.end(), {process->program().name, process->program().type});
    throw Error("there is no process '" + printable(which) + "'")
        .advise(meant_or(which, names, "'shipit ps' lists them"));
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
    m_crew = std::make_shared<Crew>(m_surroundings, std::move(*live),
                                    m_addresses ? m_addresses->live() : Side::a);
    const Generation& generation = m_crew->generation();
    if (m_addresses)
        m_addresses->occupy(m_crew->side(), generation.all_ports(), generation.web_ports());
    if (!generation.listens() || !generation.port ||
        (m_addresses && m_addresses->holds(*generation.port)))
        return;
    if (const auto holder = holder_of(*generation.port))
        throw Error(fmt::format("port {} is in use by {}", *generation.port, holder->text()));
}

void Supervisor::Core::start(ClientId client, const Json& request) {
    take_generation();
    m_trial_end = m_loop.after(milliseconds(0), [this] { wait_for_trial_end(); });
    start_and_answer(client, chosen(request));
}

void Supervisor::Core::stop(ClientId client, const Json& request) {
    const std::string which = chosen(request);
    end_watch("it is being stopped");
    const auto over = [this] { finish(answer_ok()); };
    const auto all_over = [this, over] {
        if (m_addresses)
            m_addresses->close(); // refused is better than unanswered
        over();
    };
    begin("stopping processes", client);
    if (!m_crew)
        return all_over();
    if (!which.empty())
        return m_crew->stop(Crew::called(which), over);
    const auto one_over = [all_over, left = std::make_shared<int>(m_warm ? 2 : 1)] {
        if (--*left == 0)
            all_over();
    };
    m_crew->stop(Crew::all, one_over);
    if (!m_warm)
        return;
    m_on_clear = one_over;
    retire_warm();
    m_retirement->hurry();
}

void Supervisor::Core::restart(ClientId client, const Json& request) {
    const std::string which = chosen(request);
    end_watch("it is being restarted");
    if (!m_crew || m_crew->is_stopped())
        return start(client, request);
    begin("restarting processes", client);
    m_crew->stop(Crew::called(which), [this, which] { start_and_answer(m_busy_for, which); });
}

void Supervisor::Core::start_and_answer(ClientId client, const std::string& which) {
    begin("starting processes", client);
    interrupt_watch();
    GateRules rules;
    if (!m_watch_end) // a watch is of all of them
        rules.whom = Crew::called(which);
    rules.passes = m_crew->generation().health.passes;
    rules.timeout = m_crew->generation().health.timeout;
    rules.all_settle = true; // for the check asks one of them
    m_gate = std::make_unique<Gate>(
        m_loop, *m_crew, rules, [this](const std::optional<std::string>& why_not) {
            Json answer = Json::object({{"done", true}, {"ok", !why_not}});
            if (why_not)
                answer.set("why", *why_not).set("evidence", m_crew->evidence());
            finish(answer);
            m_gate.reset();
            resume_watch(why_not);
            look_late();
        });
    m_crew->start(Crew::called(which));
    if (client == 0)
        leave_start();
}

// Nobody waits for it: it goes on like one of our own, until an order comes.
void Supervisor::Core::leave_start() {
    m_busy.clear();
    m_loop.post([this] { take_waiting(); });
}

void Supervisor::Core::shutdown(ClientId client, const Json& /*request*/) {
    m_control.finish(client, answer_ok());
    end_all();
}

} // namespace shipit::supervise

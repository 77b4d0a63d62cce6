// A process in the memory that one program leaves to the next, which supervises it in the same
// place: whatever is kept of a process beside its program has to be here.

#include "core/supervise/process.hpp"

#include "core/base/error.hpp"
#include "core/sys/clock.hpp"

namespace shipit::supervise {

namespace {

Json policy_json(const PolicyState& state) {
    Json json = Json::object({{"phase", static_cast<int>(state.phase)},
                              {"wanted", state.wanted},
                              {"hung", state.hung},
                              {"restarts", state.restarts},
                              {"delay", std::int64_t{state.delay.count()}},
                              {"started", time_to_json(state.started)},
                              {"exits", std::int64_t{state.exits}},
                              {"crash_looping", state.crash_looping}});
    if (state.due)
        json.set("due", time_to_json(*state.due));
    if (state.kill_at)
        json.set("kill_at", time_to_json(*state.kill_at));
    return json;
}

// `seed` stays: chance is not worth passing on.
PolicyState policy_from(const Json& json, std::uint64_t seed) {
    PolicyState state;
    const std::int64_t phase = json["phase"].integer(-1);
    if (phase < 0 || phase > static_cast<int>(Phase::sweeping))
        throw Error("a process in a phase that there is not");
    state.phase = static_cast<Phase>(phase);
    state.wanted = json["wanted"].boolean();
    state.hung = json["hung"].boolean();
    state.restarts = static_cast<unsigned>(json["restarts"].integer());
    state.delay = milliseconds(json["delay"].integer());
    state.started = time_from_json(json["started"]);
    state.exits = static_cast<unsigned>(json["exits"].integer()); // 0 from before it was counted
    state.crash_looping = json["crash_looping"].boolean();
    if (!json["due"].is_null())
        state.due = time_from_json(json["due"]);
    if (!json["kill_at"].is_null())
        state.kill_at = time_from_json(json["kill_at"]);
    state.seed = seed;
    return state;
}

Json name_json(const sys::ProcessName& name) {
    return Json::object({{"pid", name.pid}, {"start_time", name.start_time}});
}

sys::ProcessName name_from(const Json& json) {
    return {static_cast<pid_t>(json["pid"].integer()),
            static_cast<std::uint64_t>(json["start_time"].integer())};
}

} // namespace

Json Process::memory(Bequest& bequest) const {
    const Json marks = Json::array_of(m_marks);
    Json tail = Json::array();
    for (const std::string& line : m_tail)
        tail.push_back(hex_of(line));
    Json json = Json::object({{"name", m_program.name},
                              {"pipe", m_pipe_name},
                              {"marks", marks},
                              {"handed", m_is_handed},
                              {"cgroup", m_cgroup.string()},
                              {"speaks", m_speaks},
                              {"said_ready", m_said_ready},
                              {"said", m_said},
                              {"policy", policy_json(m_state)},
                              {"proven", m_proven},
                              {"since", time_text(m_since)},
                              {"last_main", name_json(m_last_main)},
                              {"last_exit", m_last_exit},
                              {"refusal", m_refusal},
                              {"tail", tail}});
    if (m_pipe)
        json.set("log", m_pipe->memory(bequest));
    if (m_child)
        json.set("main", name_json(m_child->name()))
            .set("is_child", m_child->parent() == Child::Parent::us);
    return json;
}

void Process::recall(const Json& memory) {
    m_marks.clear();
    for (const Json& mark : memory["marks"].items())
        m_marks.push_back(mark.text());
    m_is_handed = memory["handed"].boolean();
    m_cgroup = memory["cgroup"].text();
    m_state = policy_from(memory["policy"], m_state.seed);
    m_proven = memory["proven"].boolean();
    m_since = parse_time(memory["since"].text()).value_or(sys::now());
    m_last_main = name_from(memory["last_main"]);
    m_last_exit = memory["last_exit"].text();
    m_refusal = memory["refusal"].text();
    for (const Json& line : memory["tail"].items())
        m_tail.push_back(bytes_of_hex(line.text()));
    if (memory["log"].is_object()) {
        m_pipe_name = memory["pipe"].text();
        make_pipe(inherited(memory["log"]["fifo"]));
        m_pipe->recall(memory["log"]);
    }
    if (memory["main"].is_object())
        recall_main(name_from(memory["main"]),
                    memory["is_child"].boolean() ? Child::Parent::us : Child::Parent::another);
    m_speaks = memory["speaks"].boolean();
    m_said_ready = memory["said_ready"].boolean();
    m_said = memory["said"].text();
    if (m_child) {
        begin_watchdog();
        listen();
    }
    arm();
}

void Process::recall_main(const sys::ProcessName& main, Child::Parent parent) {
    try {
        m_child = std::make_unique<Child>(m_surroundings.loop, main, parent,
                                          [this](WaitStatus status) { exited(status); });
    } catch (const Error&) {
        if (sys::is_alive(main))
            throw; // as in adopt()
        // It ended when nobody looked.
        m_end = m_surroundings.loop.after(milliseconds(0), [this] { exited(std::nullopt); });
    }
}

} // namespace shipit::supervise

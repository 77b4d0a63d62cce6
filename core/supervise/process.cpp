#include "core/supervise/process.hpp"

#include "core/base/error.hpp"
#include "core/supervise/cgroup.hpp"
#include "core/supervise/given_sockets.hpp"
#include "core/supervise/words.hpp"
#include "core/sys/clock.hpp"

#include <algorithm>
#include <csignal>
#include <functional>
#include <utility>

#include <fmt/core.h>
#include <unistd.h>

namespace shipit::supervise {

namespace {

TimePoint now() {
    return std::chrono::steady_clock::now();
}

// "0.2 s", "45 s": how long a process was up, for people.
std::string seconds_text(milliseconds duration) {
    if (duration < std::chrono::seconds(10))
        return fmt::format("{:.1f} s", static_cast<double>(duration.count()) / 1000.0);
    return fmt::format("{} s", duration.count() / 1000);
}

} // namespace

Process::Process(Surroundings& surroundings, Program program, Place place, OnEnded on_ended)
    : m_surroundings(surroundings), m_program(std::move(program)), m_place(place),
      m_on_ended(std::move(on_ended)), m_limits(surroundings.limits), m_since(sys::now()) {
    m_limits.stop_timeout = m_program.stop_timeout;
    tell_side();
    m_marks = marks_in(m_program.environment);
    m_state.seed = std::hash<std::string>()(m_program.name) ^
                   static_cast<std::uint64_t>(now().time_since_epoch().count());
}

void Process::start() {
    feed(Event::start);
}
void Process::stop() {
    feed(Event::stop);
}

void Process::relabel(Program program, ReleaseNumber release) {
    m_program = std::move(program);
    tell_side();
    m_place.release = release;
    m_limits.stop_timeout = m_program.stop_timeout;
    if (m_pipe)
        m_pipe->relabel(release);
    m_surroundings.changed();
}

void Process::move(Side side, OnEnded on_ended) {
    if (m_surroundings.addresses != nullptr)
        m_surroundings.addresses->move(m_program.name, m_place.side, side);
    m_place.side = side;
    tell_side(); // of its next start
    m_on_ended = std::move(on_ended);
    m_surroundings.changed();
}

bool Process::adopt(const Adopted& from) {
    try {
        m_child = std::make_unique<Child>(m_surroundings.loop, from.main, Child::Parent::another,
                                          [this](WaitStatus status) { exited(status); });
    } catch (const Error&) {
        if (sys::is_alive(from.main))
            throw; // what cannot be watched must not be taken for gone: another would be started
        return false;
    }
    m_pipe_name = from.pipe;
    m_is_handed = from.is_handed;
    m_cgroup = from.cgroup;
    make_pipe();
    m_last_main = from.main;
    m_since = from.since;
    m_proven = true;
    m_state.wanted = true;
    m_state.restarts = from.restarts;
    m_speaks = from.speaks;
    m_said_ready = from.is_ready;
    feed(Event::launched);
    listen();
    return true;
}

std::optional<sys::ProcessName> Process::main() const {
    if (m_child && m_child->is_running())
        return m_child->name();
    return std::nullopt;
}

const std::deque<std::string>& Process::tail() const {
    return m_pipe ? m_pipe->tail() : m_tail;
}

// Events that arise while one is being answered wait for their turn.
void Process::feed(Event event) {
    m_events.push_back(event);
    if (m_feeding)
        return;
    m_feeding = true;
    const Phase before = m_state.phase;
    while (!m_events.empty()) {
        const Event next = m_events.front();
        m_events.pop_front();
        PolicyStep step = next_step(m_state, next, now(), m_limits);
        m_state = step.state;
        for (const Action action : step.actions)
            try_to(action);
    }
    m_feeding = false;
    arm();
    if (m_state.phase == Phase::stopped)
        stopped();
    if (m_state.phase == before)
        return;
    begin_watchdog();
    m_surroundings.changed();
}

// The timers of the phase that it is in.
void Process::arm() {
    m_due.cancel();
    if (m_state.due) {
        const auto left = std::chrono::ceil<milliseconds>(*m_state.due - now());
        m_due = m_surroundings.loop.after(std::max(left, milliseconds(0)),
                                          [this] { feed(Event::due); });
    }
    if (m_state.phase == Phase::sweeping)
        m_look = m_surroundings.loop.after(milliseconds(0), [this] { look_for_rest(); });
}

// No failure of one action may keep the others from being taken.
void Process::try_to(Action action) noexcept {
    try {
        act(action);
    } catch (const std::exception& error) {
        m_surroundings.note(m_program.name + ": " + error.what());
    }
}

void Process::act(Action action) {
    switch (action) {
    case Action::launch:
        launch();
        break;
    case Action::ask_to_end:
        signal_main(m_program.stop_signal);
        signal_main(SIGCONT); // a stopped process could not end
        break;
    case Action::abort:
        signal_main(SIGABRT);
        signal_main(SIGCONT);
        break;
    case Action::end_rest:
        signal_rest(SIGTERM, false);
        if (m_state.phase == Phase::sweeping)
            kill_deaf();
        break;
    case Action::kill_escaped:
        signal_rest(SIGKILL, true);
        break;
    case Action::kill_tree:
        kill_tree();
        break;
    case Action::tell_crash_loop:
        if (m_surroundings.crash_looping)
            m_surroundings.crash_looping(*this);
        break;
    }
}

Path Process::fifo() const {
    return m_surroundings.run_folder / m_pipe_name;
}

// One that was started here and went on at the other side keeps its own.
std::string Process::free_pipe_name() const {
    const std::string name =
        fmt::format("{}.{}.{}", m_place.release.text(), m_program.name, name_of(m_place.side));
    std::string pipe = name + ".fifo";
    for (unsigned n = 2; sys::is_there(m_surroundings.run_folder / pipe); ++n)
        pipe = fmt::format("{}.{}.fifo", name, n);
    return pipe;
}

void Process::make_pipe(sys::Fd held) {
    if (m_pipe)
        return;
    if (m_pipe_name.empty())
        m_pipe_name = free_pipe_name();
    m_pipe = std::make_unique<LogPipe>(m_surroundings.loop, fifo(),
                                       LogPipe::Source{m_place.release, m_program.name},
                                       m_program.user, m_surroundings.log, std::move(held));
}

void Process::tell_side() {
    Environment& variables = m_program.environment;
    std::erase_if(variables, [](const auto& variable) {
        return variable.first == "SHIPIT_SLOT" || variable.first == "SHIPIT_SOCKET";
    });
    if (!m_program.socket.empty())
        variables.emplace_back("SHIPIT_SOCKET", told_name(m_program.socket, m_place.side).string());
    variables.emplace_back("SHIPIT_SLOT", name_of(m_place.side));
}

void Process::prepare_socket() const {
    if (m_is_handed)
        m_surroundings.addresses->unix_sockets().prepare(m_place.side, m_program.socket,
                                                         m_program.user);
    else
        make_way(m_program.socket, m_place.side, m_program.user);
}

void Process::launch() {
    m_refusal.clear();
    try {
        make_pipe();
        const sys::Fd output = m_pipe->writer();
        Launch launch;
        launch.argv = argv_of(m_program.command);
        launch.environment = m_program.environment;
        launch.folder = m_program.folder;
        launch.user = m_program.user;
        launch.output = launch.errors = output.get();
        const sys::Fd cgroup = open_cgroup();
        launch.cgroup = cgroup.get();
        m_is_handed = m_surroundings.addresses != nullptr;
        if (m_is_handed)
            launch.reported = m_program.socket.empty() ? Reported::binds : Reported::sockets;
        if (!m_program.socket.empty())
            prepare_socket();
        const GivenSockets given(m_surroundings.addresses, m_place.side, m_program);
        launch.sockets = given.all();
        give_socket(launch);
        m_child = std::make_unique<Child>(m_surroundings.loop, launch,
                                          [this](WaitStatus status) { exited(status); });
        m_last_main = m_child->name();
        m_marks = marks_in(launch.environment);
        if (m_is_handed)
            m_surroundings.addresses->watch(m_place.side, m_program.name, m_child->take_calls());
        m_since = sys::now();
        m_surroundings.changed();
        feed(Event::launched);
        listen();
    } catch (const std::exception& error) {
        m_child.reset();
        if (m_surroundings.addresses != nullptr)
            m_surroundings.addresses->forget(m_place.side, m_program.name);
        m_since = sys::now();
        m_last_exit = std::string("could not be started: ") + error.what();
        if (m_pipe)
            m_pipe->note("-- " + m_last_exit);
        feed(Event::launch_failed);
        m_on_ended(*this, m_last_exit);
    }
}

void Process::refused(const std::string& why) {
    if (std::exchange(m_refusal, "it " + why) == "it " + why)
        return; // some try again and again
    m_surroundings.note(m_program.name + " " + why);
    if (m_pipe)
        m_pipe->note("-- " + m_refusal);
}

std::string Process::lasted() const {
    return seconds_text(std::chrono::duration_cast<milliseconds>(now() - m_state.started));
}

void Process::exited(WaitStatus status) {
    const bool was_hung = m_state.hung; // and that has been told
    const bool unasked = m_state.phase == Phase::up && !was_hung;
    m_child.reset();
    m_ear = {};
    m_watchdog.cancel();
    if (m_surroundings.addresses != nullptr)
        m_surroundings.addresses->forget(m_place.side, m_program.name);
    m_pipe->drain();
    m_last_exit =
        (was_hung ? m_last_exit + " and " : "") + exit_text(status) + " after " + lasted();
    m_since = sys::now();
    m_pipe->note("-- " + m_last_exit);
    reap_orphans();
    feed(Event::exited);
    if (unasked)
        m_on_ended(*this, m_last_exit + (m_refusal.empty() ? "" : "; " + m_refusal));
}

void Process::stopped() {
    if (!m_pipe)
        return;
    m_pipe->drain();
    m_tail = m_pipe->tail();
    m_pipe->remove();
    m_pipe.reset();
    m_pipe_name.clear();
    (void)remove_cgroup(std::exchange(m_cgroup, {}));
}

Json Process::status() const {
    const char* state = name_of(m_state.phase);
    if (m_state.hung)
        state = "hung";
    else if (m_state.phase == Phase::up && (!m_proven || is_silent()))
        state = "starting";
    Json json = Json::object({{"name", m_program.name},
                              {"type", m_program.type},
                              {"command", m_program.command},
                              {"release", m_place.release.text()},
                              {"state", state},
                              {"since", time_text(m_since)},
                              {"restarts", m_state.restarts},
                              {"crash_looping", is_crash_looping(m_state, now(), m_limits)}});
    if (const auto process = main()) {
        json.set("pid", process->pid);
        json.set("memory", sys::resident_bytes(process->pid));
        json.set("peak", sys::peak_bytes(process->pid));
    }
    if (!m_last_exit.empty())
        json.set("last_exit", m_last_exit);
    if (!m_said.empty())
        json.set("said", m_said);
    return json;
}

Json Process::state() const {
    const auto process = main();
    if (!process)
        return {};
    return Json::object({{"release", m_place.release.value()},
                         {"name", m_program.name},
                         {"type", m_program.type},
                         {"pid", process->pid},
                         {"start_time", process->start_time},
                         {"since", time_text(m_since)},
                         {"restarts", m_state.restarts},
                         {"slot", name_of(m_place.side)},
                         {"pipe", m_pipe_name},
                         {"handed", m_is_handed},
                         {"cgroup", m_cgroup.string()},
                         {"speaks", m_speaks},
                         {"said_ready", m_said_ready},
                         {"stop_signal", m_program.stop_signal},
                         {"stop_timeout", std::int64_t{m_program.stop_timeout.count()}}});
}

} // namespace shipit::supervise

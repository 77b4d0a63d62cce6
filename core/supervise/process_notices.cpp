// What a process says of itself: that it is ready, that it is alive, and what it is at (notify and
// watchdog in shipit.toml(5)).

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/supervise/process.hpp"

#include <algorithm>

#include <fmt/core.h>

namespace shipit::supervise {

namespace {

constexpr const char* socket_variable = "NOTIFY_SOCKET";
constexpr const char* watchdog_variable = "WATCHDOG_USEC";
constexpr const char* pid_variable = "WATCHDOG_PID";
// Between the end of its time and the verdict: what it has said may be in the socket still, where
// we had no processor for a while.
constexpr milliseconds grace{50};

// A config var.
void remove(Environment& environment, std::string_view name) {
    std::erase_if(environment, [&](const auto& variable) { return variable.first == name; });
}

// In the place of what the app's config vars make of it.
void set(Environment& environment, const std::string& name, const std::string& value) {
    remove(environment, name);
    environment.emplace_back(name, value);
}

} // namespace

void Process::give_socket(Launch& launch) {
    m_speaks = m_said_ready = false;
    m_said.clear();
    if (!m_program.speaks())
        return;
    if (m_surroundings.notices == nullptr)
        throw Error("nobody listens to what it says of itself");
    set(launch.environment, socket_variable, m_surroundings.notices->address_for(m_program.user));
    if (m_program.watchdog.count() > 0) {
        const std::chrono::microseconds time = m_program.watchdog;
        set(launch.environment, watchdog_variable, std::to_string(time.count()));
        remove(launch.environment, pid_variable);
        launch.pid_variables.emplace_back(pid_variable);
    }
    m_speaks = true;
}

// To what runs now. A program that was started without the socket cannot say anything, and is not
// waited for.
void Process::listen() {
    if (!m_speaks || m_surroundings.notices == nullptr)
        return;
    try {
        (void)m_surroundings.notices->address_for(m_program.user); // of an earlier supervisor
    } catch (const Error& error) {
        m_speaks = false;
        m_watchdog.cancel();
        return m_surroundings.note(m_program.name + ": " + error.what());
    }
    m_ear = m_surroundings.notices->listen({m_last_main, m_marks, m_cgroup},
                                           [this](const Notice& notice) { take(notice); });
}

bool Process::is_silent() const {
    return m_state.phase == Phase::up && m_program.notify && m_speaks && !m_said_ready;
}

void Process::take(const Notice& notice) {
    if (notice.status)
        m_said = *notice.status;
    if (notice.alive) {
        m_alive_at = std::chrono::steady_clock::now();
        m_is_late = false;
    }
    if (notice.ready && !m_said_ready) {
        m_said_ready = true;
        m_surroundings.changed();
        begin_watchdog();
        m_surroundings.notices->tell_ready();
    }
    if (notice.hung)
        hangs("said WATCHDOG=trigger");
}

// Its time begins now; after a supervisor that was killed, anew.
void Process::begin_watchdog() {
    if (m_program.watchdog.count() == 0 || !m_speaks || !is_ready())
        return;
    m_alive_at = std::chrono::steady_clock::now();
    m_is_late = false;
    look_whether_alive();
}

void Process::look_whether_alive() {
    if (m_state.phase != Phase::up)
        return;
    const auto end = m_alive_at + m_program.watchdog;
    const auto left = std::chrono::ceil<milliseconds>(end - std::chrono::steady_clock::now());
    if (left.count() <= 0 && m_is_late && !Notices::is_deaf())
        return hangs("sent no WATCHDOG=1 for " + duration_text(m_program.watchdog));
    m_is_late = left.count() <= 0;
    m_watchdog =
        m_surroundings.loop.after(m_is_late ? grace : left, [this] { look_whether_alive(); });
}

// `why` is a sentence's predicate. Told at once, since its end may take as long as its stop
// timeout.
void Process::hangs(const std::string& why) {
    if (m_state.phase != Phase::up || m_state.hung)
        return;
    m_last_exit = why;
    m_pipe->note("-- " + why);
    m_surroundings.note(fmt::format("{} {}, and is ended", m_program.name, why));
    feed(Event::hung);
    m_on_ended(*this, m_last_exit);
}

} // namespace shipit::supervise

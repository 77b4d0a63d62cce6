// What a process says of itself: that it is ready, and what it is at (notify in shipit.toml(5)).

#include "core/base/error.hpp"
#include "core/supervise/process.hpp"

#include <algorithm>

#include <fmt/core.h>

namespace shipit::supervise {

namespace {

constexpr const char* socket_variable = "NOTIFY_SOCKET";

// In the place of what the app's config vars make of it.
void set(Environment& environment, const std::string& name, const std::string& value) {
    std::erase_if(environment, [&](const auto& variable) { return variable.first == name; });
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
    if (!notice.ready || m_said_ready)
        return;
    m_said_ready = true;
    m_surroundings.changed();
    m_surroundings.notices->tell_ready();
}

} // namespace shipit::supervise

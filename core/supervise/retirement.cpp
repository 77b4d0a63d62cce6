#include "core/supervise/retirement.hpp"

namespace shipit::supervise {

namespace {

constexpr milliseconds quiet = std::chrono::seconds(1);
constexpr milliseconds patience = std::chrono::seconds(30);
constexpr milliseconds look_interval{50};

} // namespace

Retirement::Retirement(Surroundings& surroundings, std::shared_ptr<Crew> crew, TimePoint idle_since)
    : m_surroundings(surroundings), m_crew(std::move(crew)), m_quiet_since(idle_since),
      m_end(std::chrono::steady_clock::now() + patience) {
    m_timer = surroundings.loop.after(milliseconds(0), [this] { look(); });
}

void Retirement::hurry() {
    m_end = {};
}

void Retirement::look() {
    const TimePoint now = std::chrono::steady_clock::now();
    const Addresses* addresses = m_surroundings.addresses;
    // With nobody up, none would accept what waits: it is carried on the sooner.
    if (addresses == nullptr || !m_crew->is_any_up())
        return stop();
    if (addresses->waiting(m_crew->side()) > 0)
        m_quiet_since = now;
    if (now - m_quiet_since >= quiet || now >= m_end)
        return stop();
    m_timer = m_surroundings.loop.after(look_interval, [this] { look(); });
}

void Retirement::stop() {
    m_crew->stop(Crew::all, [this] {
        const std::vector<Loop::Callback> told = std::move(m_done); // which may destroy this
        for (const Loop::Callback& done : told)
            done();
    });
}

} // namespace shipit::supervise

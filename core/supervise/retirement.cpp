#include "core/supervise/retirement.hpp"

#include "core/supervise/connections.hpp"

#include <algorithm>

namespace shipit::supervise {

namespace {

constexpr milliseconds quiet = std::chrono::seconds(1);
constexpr milliseconds patience = std::chrono::seconds(30);
constexpr milliseconds look_interval{50};
// So many times as long as a look took: with thousands of connections, it takes a while.
constexpr int rest_per_look = 20;
// For those who ask on and on, each on a connection that it keeps, to ask nothing at one moment.
constexpr milliseconds time_for_kept = std::chrono::seconds(5);

} // namespace

Retirement::Retirement(Surroundings& surroundings, std::shared_ptr<Crew> crew, TimePoint idle_since)
    : m_surroundings(surroundings), m_crew(std::move(crew)), m_quiet_since(idle_since),
      m_begun(std::chrono::steady_clock::now()), m_end(m_begun + patience) {
    m_timer = surroundings.loop.after(milliseconds(0), [this] { look(); });
}

void Retirement::hurry() {
    m_end = {};
}

void Retirement::look() {
    const TimePoint now = std::chrono::steady_clock::now();
    const Addresses* addresses = m_surroundings.addresses;
    // Also where it cannot be looked at now.
    m_timer = m_surroundings.loop.after(look_interval, [this] { look(); });
    // With nobody up, none would accept what waits: it is carried on the sooner.
    if (addresses == nullptr || !m_crew->is_any_up())
        return stop();
    if (addresses->waiting(m_crew->side()) > 0)
        m_quiet_since = now;
    if (now >= m_end || (now - m_quiet_since >= quiet && !has_to_answer(now)))
        return stop();
    const auto took = std::chrono::ceil<milliseconds>(std::chrono::steady_clock::now() - now);
    m_timer = m_surroundings.loop.after(std::max(look_interval, rest_per_look * took),
                                        [this] { look(); });
}

bool Retirement::has_to_answer(TimePoint now) {
    const auto longest = longest_unanswered(m_surroundings.addresses->names(), m_crew->tree());
    if (!longest)
        return false;
    if (!std::exchange(m_is_told, true))
        m_surroundings.note(m_crew->release().text() + " has requests that it is to answer yet");
    const auto looked = now - std::max(m_quiet_since + quiet, m_begun);
    return looked < time_for_kept || *longest >= looked;
}

void Retirement::stop() {
    m_crew->stop(Crew::all, [this] {
        const std::vector<Loop::Callback> told = std::move(m_done); // which may destroy this
        for (const Loop::Callback& done : told)
            done();
    });
    m_timer.cancel();
}

} // namespace shipit::supervise

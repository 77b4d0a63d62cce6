// The generation before the live one: kept warm behind its idle slots, taken back, retired.

#include "core/supervise/supervisor_core.hpp"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

namespace shipit::supervise {

void Supervisor::Core::vacate(Side side) {
    if (m_addresses)
        m_addresses->vacate(side);
}

// The crew that was live until now.
void Supervisor::Core::keep_warm(std::shared_ptr<Crew> crew) {
    if (!crew || crew == m_crew || crew->side() == m_crew->side()) // nothing of it is left
        return;
    if (!crew->is_wanted())
        return vacate(crew->side());
    m_warm = std::move(crew);
    m_idle_since = std::chrono::steady_clock::now();
    m_is_warm_over = false;
    m_warm_until = m_idle_since + (m_is_scaling ? milliseconds(0) : m_crew->generation().warm);
    if (!m_warm->is_any_up())
        return retire_warm(); // it has failed, and would only start again
    wait_for_warm_end();
}

void Supervisor::Core::wait_for_warm_end() {
    const auto left =
        std::chrono::ceil<milliseconds>(m_warm_until - std::chrono::steady_clock::now());
    m_warm_end = m_loop.after(std::max(left, milliseconds(0)), [this] { warm_is_over(); });
}

void Supervisor::Core::warm_is_over() {
    m_is_warm_over = true;
    if (!is_watched())
        retire_warm();
}

void Supervisor::Core::retire_warm() {
    m_warm_end.cancel();
    if (!m_warm || m_retirement)
        return;
    note(fmt::format("retires {}", m_warm->release().text()));
    m_retirement = std::make_unique<Retirement>(m_surroundings, m_warm, m_idle_since);
    m_retirement->when_done([this] { retired(); });
}

// One that had the traffic for a while, and is not to have it again.
void Supervisor::Core::retire(std::shared_ptr<Crew> crew) {
    m_warm = std::move(crew);
    m_idle_since = std::chrono::steady_clock::now();
    m_is_warm_over = true;
    retire_warm();
}

void Supervisor::Core::retired() {
    vacate(m_warm->side());
    m_loop.post([this] { // not while it is calling
        m_retirement.reset();
        m_warm.reset();
        m_surroundings.changed();
        if (const Loop::Callback clear = std::exchange(m_on_clear, nullptr))
            clear();
    });
}

// The next generation comes to the side that is not live.
void Supervisor::Core::clear_side(Loop::Callback then) {
    if (!m_warm)
        return m_loop.post([this, then = std::move(then)] {
            if (m_replacement)
                then();
        });
    m_on_clear = std::move(then);
    retire_warm();
}

// What cannot be told to be proven is not.
bool Supervisor::Core::needs_watch(ReleaseNumber release) {
    try {
        return m_options.needs_watch && m_options.needs_watch(release);
    } catch (const std::exception& error) {
        note(fmt::format("cannot tell whether {} is proven: {}", release.text(), error.what()));
        return true;
    }
}

// Where the live release fails in its watch, what was live before gets the traffic at once, and is
// started wholly when what may not run beside it has ended; that it is a release again is for a
// command to record, which waits for that. False if there is nothing to go back to.
bool Supervisor::Core::take_back() {
    if (!m_may_go_back || !m_warm || m_retirement || !m_warm->is_up() ||
        needs_watch(m_warm->release()))
        return false;
    std::swap(m_crew, m_warm);
    try {
        if (m_addresses)
            m_addresses->go_live(m_crew->side());
    } catch (const std::exception& error) { // for what could be led back
        note(error.what());
    }
    m_idle_since = std::chrono::steady_clock::now();
    m_was_taken_back = true;
    note(fmt::format("{} serves again", m_crew->release().text()));
    m_warm_end.cancel();
    m_leftovers.push_back(m_warm);
    begin("ending what may not run beside the release that serves again");
    m_warm->stop([](const Process& process) { return !process.program().overlaps; },
                 [this] { m_loop.post([this] { leftovers_stopped(); }); });
    return true;
}

} // namespace shipit::supervise

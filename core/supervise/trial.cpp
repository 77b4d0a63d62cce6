// A release on trial goes back unless it is blessed in time. What is known of a trial is with the
// release: here is only the clock, which is set anew by whoever comes to supervise it.

#include "core/supervise/supervisor_core.hpp"
#include "core/sys/clock.hpp"

#include <algorithm>

namespace shipit::supervise {

namespace {

// The host's clock may be set meanwhile, and timers do not follow it.
constexpr milliseconds longest_wait = std::chrono::minutes(1);
// A command that goes back waits ten minutes for another to end, at most.
constexpr milliseconds try_again = std::chrono::minutes(15);

} // namespace

// A clock that is set back makes no trial longer than it was when we came to know of it.
milliseconds Supervisor::Core::trial_left(ReleaseNumber release, WallTime end) {
    const TimePoint now = std::chrono::steady_clock::now();
    const milliseconds left = end - sys::now();
    if (m_on_trial != release) {
        m_on_trial = release;
        m_trial_deadline = now + left;
    }
    return std::min(left, std::chrono::ceil<milliseconds>(m_trial_deadline - now));
}

void Supervisor::Core::wait_for_trial_end() {
    m_trial_end.cancel();
    if (!m_crew || !m_options.trial_end)
        return;
    const ReleaseNumber release = m_crew->release();
    std::optional<WallTime> end;
    try {
        end = m_options.trial_end(release);
    } catch (const std::exception& error) {
        note(std::string("cannot tell whether this is a trial: ") + error.what());
        m_trial_end = m_loop.after(longest_wait, [this] { wait_for_trial_end(); });
    }
    if (!end)
        return;
    const milliseconds left = trial_left(release, *end);
    const bool is_over = left <= milliseconds(0);
    m_trial_end = m_loop.after(is_over ? try_again : std::min(left, longest_wait),
                               [this] { wait_for_trial_end(); });
    if (!is_over)
        return;
    note("the trial of " + release.text() + " is over");
    if (m_options.on_trial_over)
        m_options.on_trial_over(release);
}

} // namespace shipit::supervise

// A release is watched for a while after it went live, and looked at until it is well.

#include "core/supervise/supervisor_core.hpp"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

namespace shipit::supervise {

namespace {

constexpr milliseconds late_interval = std::chrono::seconds(2);
constexpr milliseconds shortest_pause = std::chrono::seconds(1);
constexpr milliseconds longest_pause = std::chrono::minutes(1);

} // namespace

void Supervisor::Core::begin_watch(ClientId client, std::optional<TimePoint> end) {
    m_watching_for = client;
    m_vigil.reset(); // one that goes later would take the crew's watcher from the next
    m_vigil = std::make_unique<Vigil>(
        m_loop, *m_crew, [this](const std::optional<std::string>& why_not) { watched(why_not); },
        end);
    m_surroundings.changed();
}

bool Supervisor::Core::is_watched() const {
    return m_vigil || m_watch_end;
}

// What ends is told to one at a time: now to the gate of a start.
void Supervisor::Core::interrupt_watch() {
    if (!m_vigil)
        return;
    m_watch_end = m_vigil->end();
    m_vigil.reset();
}

// Or begins it: where a supervisor was killed, the next one watches anew once all is started, which
// this start has taken the place of.
void Supervisor::Core::resume_watch(const std::optional<std::string>& why_not) {
    const auto end = std::exchange(m_watch_end, std::nullopt);
    if (end && why_not)
        return watched(why_not);
    if (end || needs_watch(m_crew->release()))
        begin_watch(m_watching_for, end);
}

void Supervisor::Core::watched(const std::optional<std::string>& why_not) {
    m_vigil.reset();
    const ReleaseNumber release = m_crew->release();
    const std::string evidence = m_crew->evidence();
    const ClientId client = std::exchange(m_watching_for, 0);
    // Once and for all: whatever is said of it from now on, everybody goes by this.
    const bool is_good = why_not && m_options.needs_watch && !needs_watch(release);
    const Told told = is_good         ? Told::who_stays
                      : client == 0   ? Told::nobody
                      : m_may_go_back ? Told::who_goes_back
                                      : Told::who_stays;
    const bool is_taken_back = why_not && !is_good && take_back();
    if (!is_taken_back && m_is_warm_over)
        retire_warm();
    m_surroundings.changed();
    note(release.text() + (why_not ? " failed in its watch: " + *why_not : " is good"));
    if (why_not) {
        m_control.send(client, event_of("watch_failed", release).set("why", *why_not));
        m_control.finish(client, Json::object({{"done", true},
                                               {"ok", false},
                                               {"release", release.text()},
                                               {"watch_failed", true},
                                               {"good", is_good},
                                               {"why", *why_not},
                                               {"evidence", evidence}}));
        if (m_options.on_watch_failed)
            tell_outside([this, release, why = *why_not, told] {
                m_options.on_watch_failed(release, why, told);
            });
        return;
    }
    m_control.send(client, event_of("watch_passed", release));
    tell_good(release); // first: who was told looks, and is to find it so
    m_control.finish(client, answer_ok().set("release", release.text()));
}

void Supervisor::Core::tell_good(ReleaseNumber release) {
    if (!m_options.on_good)
        return;
    try {
        m_options.on_good(release);
    } catch (const std::exception& error) {
        note(fmt::format("cannot record that {} is good: {}", release.text(), error.what()));
        tell_outside([this, release] { m_options.on_good(release); }, shortest_pause);
    }
}

// Again and again until it could be told: else what failed would stay live for ever, or what is
// good never be gone back to. Not while whoever found it out is calling.
void Supervisor::Core::tell_outside(Loop::Callback tell, milliseconds in) {
    const milliseconds next = std::min(in * 2 + shortest_pause, longest_pause);
    m_is_telling = true;
    m_telling = m_loop.after(in, [this, tell = std::move(tell), next] {
        const Loop::Callback told = tell; // which goes with the timer
        tell_outside(told, next);
        told();
        m_telling.cancel();
        m_is_telling = false;
    });
}

void Supervisor::Core::end_watch(const std::string& why) {
    if (!is_watched())
        return;
    m_vigil.reset();
    m_watch_end.reset();
    if (m_is_warm_over)
        retire_warm();
    const ClientId client = std::exchange(m_watching_for, 0);
    m_control.finish(
        client, Json::object({{"done", true}, {"ok", false}, {"watch_ended", true}, {"why", why}}));
}

// What was not healthy in time, and serves for want of anything else, is told to be up once it is.
void Supervisor::Core::look_late() {
    if (!m_crew || m_crew->is_stopped() || m_crew->is_proven())
        return;
    m_late = m_loop.after(late_interval, [this] {
        if (m_ending || m_gate || m_replacement || m_vigil || !m_crew || !m_crew->is_up())
            return look_late(); // others look, or there is nothing to look at
        m_late_check = m_crew->check([this, crew = m_crew.get()](const ProbeResult& result) {
            if (result.healthy && crew == m_crew.get() && m_crew->is_up()) {
                note("healthy, late");
                m_crew->set_proven();
                m_surroundings.changed();
            }
            look_late();
        });
    });
}

} // namespace shipit::supervise

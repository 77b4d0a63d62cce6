#include "core/deploy/handover.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/running.hpp"
#include "core/sys/interrupt.hpp"

#include <fmt/core.h>

namespace shipit::deploy {

namespace {

// How long nothing may be heard of the supervisor: stop timeouts, health timeouts and watches are
// its own business, and the longest that they may be set to is a day.
constexpr std::chrono::hours longest_silence(25);
constexpr std::chrono::minutes commit_patience(1);
constexpr std::chrono::milliseconds interrupt_interval(200);

supervise::Client connected(const App& app) {
    ensure_supervisor(app);
    return supervise::Client(app.layout.run_folder());
}

// Files alone need no process to be served.
bool serves_by_itself(const App& app, ReleaseNumber live) {
    try {
        return app.ledger.load(live).spec.processes.empty();
    } catch (const Error&) {
        return false; // a record that cannot be read: there is no telling
    }
}

} // namespace

Handover::Handover(const App& app, const supervise::Generation& generation, Kind kind)
    : m_app(app), m_release(generation.release), m_before(app.ledger.current()),
      m_was_stopped(app.is_stopped()), m_client(connected(app)) {
    m_client.send(Json::object({{"request", "replace"},
                                {"generation", supervise::to_json(generation)},
                                {"go_back", kind == Kind::goes_back},
                                {"keep", kind == Kind::scales}}));
}

Handover::~Handover() {
    if (m_is_open && m_before == m_release)
        call_off();
}

void Handover::call_off() noexcept {
    try {
        m_client.send(Json::object({{"request", "abort"}}));
        while (const auto message = m_client.next(longest_silence))
            if ((*message)["done"].boolean())
                return;
    } catch (const std::exception&) {
        return; // it is gone, or will not: what it has to say is in its log
    }
}

// Waits in short steps, since an interrupt that comes before a poll(2) does not end it.
Json Handover::next_message() {
    for (std::chrono::milliseconds waited{0}; waited < longest_silence;
         waited += interrupt_interval) {
        sys::stop_if_interrupted();
        if (auto message = m_client.next(interrupt_interval))
            return std::move(*message);
    }
    throw Error("the supervisor has not been heard of for " + duration_text(longest_silence));
}

void Handover::prove() {
    for (;;) {
        const Json message = next_message();
        const std::string event = message["event"].text();
        if (event == "healthy")
            return;
        if (message["done"].boolean())
            fail(message);
        show(message);
    }
}

void Handover::show(const Json& message) const {
    const std::string event = message["event"].text();
    const std::string in_turn = message["in_turn"].text();
    if (event == "stopping" || event == "restoring")
        m_app.host.progress.begin_phase(fmt::format(
            "{} {}{}", event, printable(message["release"].text()),
            in_turn.empty() ? "" : " before its successor starts: " + printable(in_turn)));
    else if (event == "failed")
        m_app.host.progress.begin_phase(
            fmt::format("{} failed: {}", m_release.text(), printable(message["why"].text())));
}

void Handover::fail(const Json& message) {
    m_is_open = false;
    const std::string evidence = message["evidence"].text();
    if (!evidence.empty())
        m_app.host.progress.show(evidence);
    if (message["busy"].boolean())
        throw Error(message["why"].text(), Outcome::locked);
    const std::string why = message["why"].text("it failed");
    const std::string serving = message["serving"].text();
    if (!serving.empty())
        throw Error(
            fmt::format("{}; {} {}", why, printable(serving),
                        message["untouched"].boolean() ? "still serves" : "is running again"),
            Outcome::release_failed);
    if (!m_before)
        throw Error(fmt::format("{}; nothing was live before, and nothing is now", why),
                    Outcome::release_failed);
    if (m_was_stopped)
        throw Error(
            fmt::format("{}; '{}' was stopped before, and still is", why, m_app.name().text()),
            Outcome::release_failed);
    if (serves_by_itself(m_app, *m_before))
        throw Error(fmt::format("{}; {} still serves", why, m_before->text()),
                    Outcome::release_failed);
    throw Error(fmt::format("{}; {} could not be started again: {}", why, m_before->text(),
                            message["why_not_serving"].text("it does not come up")),
                Outcome::down)
        .advise(fmt::format("shipit -a {} status", m_app.name().text()));
}

void Handover::commit() {
    m_is_open = false;
    try {
        m_client.send(Json::object({{"request", "commit"}}));
    } catch (const supervise::SupervisorGone&) {
        // It may have failed before, and said so.
    }
    std::chrono::milliseconds patience = commit_patience;
    for (;;) {
        const auto message = m_client.next(patience);
        if (!message)
            throw Error("the supervisor does not answer; it goes by what 'current' points at");
        const std::string event = (*message)["event"].text();
        if (event == "committed")
            return;
        if ((*message)["done"].boolean())
            fail(*message);
        if (event == "failed")
            patience = longest_silence; // what it is to go back to takes its time
        show(*message);
    }
}

bool Handover::watch() {
    const Json end = end_of_watch();
    m_was_good = end["good"].boolean();
    if (end["watch_failed"].boolean())
        throw Error(end["why"].text("it failed"), Outcome::rolled_back);
    if (!end["ok"].boolean())
        m_app.host.progress.begin_phase(fmt::format("the watch of {} was cut short: {}",
                                                    m_release.text(),
                                                    end["why"].text("no reason given")));
    return end["ok"].boolean();
}

// The next supervisor watches anew what this one has not watched to the end.
Json Handover::end_of_watch() {
    try {
        for (;;)
            if (Json message = next_message(); message["done"].boolean())
                return message;
    } catch (const supervise::SupervisorGone&) {
        return Json::object({{"ok", false}, {"why", "the supervisor ended"}});
    }
}

} // namespace shipit::deploy

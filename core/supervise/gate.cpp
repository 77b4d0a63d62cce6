#include "core/supervise/gate.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/supervise/port.hpp"

#include <algorithm>

#include <fmt/core.h>

namespace shipit::supervise {

namespace {

constexpr milliseconds first_wait{20};
constexpr milliseconds longest_wait = std::chrono::seconds(1);
constexpr milliseconds longest_wait_for_listening{100}; // a refused connection costs nothing
constexpr milliseconds watch_interval = std::chrono::seconds(1);
constexpr milliseconds second_look{10}; // at what has failed once: it may have been chance
constexpr unsigned failures_in_a_row = 3;

} // namespace

Gate::Gate(Loop& loop, Crew& crew, GateRules rules, OnVerdict on_verdict)
    : m_loop(loop), m_crew(crew), m_rules(std::move(rules)), m_on_verdict(std::move(on_verdict)),
      m_wait(first_wait) {
    m_crew.on_ended([this](Process& process, const std::string& how) { ended(process, how); });
    m_crew.on_listening([this] {
        if (!m_looks && !m_first_requests)
            look(); // no need to wait for the next time
    });
    m_timeout = loop.after(m_rules.timeout, [this] { time_is_over(); });
    m_next = loop.after(milliseconds(0), [this] { look(); });
}

Gate::~Gate() {
    m_crew.on_ended({});
    m_crew.on_listening({});
}

void Gate::look() {
    m_next.cancel();
    // Its health is asked when it says that it is ready.
    if (m_crew.silent(m_rules.whom) != nullptr) {
        m_passed = 0;
        m_next = m_loop.after(longest_wait, [this] { look(); });
        return;
    }
    m_check = m_crew.check([this](const ProbeResult& result) { take(result); });
    m_looks = true;
}

bool Gate::has_check() const {
    const auto kind = m_crew.check_kind();
    return kind == Check::Kind::http || kind == Check::Kind::command;
}

bool Gate::has_passed() const {
    return m_passed >= (has_check() ? m_rules.passes : 1);
}

bool Gate::has_to_settle() const {
    return !has_check() || m_rules.all_settle;
}

bool Gate::has_settled() const {
    return m_crew.is_up(m_rules.whom) &&
           std::chrono::steady_clock::now() - m_crew.newest_start(m_rules.whom) >= m_rules.settle;
}

void Gate::take(const ProbeResult& result) {
    m_looks = false;
    if (!result.made) { // which says nothing of the release
        m_next = m_loop.after(longest_wait, [this] { look(); });
        return;
    }
    m_last = result;
    m_passed = result.healthy && m_crew.is_up(m_rules.whom) ? m_passed + 1 : 0;
    if (has_passed() && (!has_to_settle() || has_settled()))
        return make_first_requests();
    m_next = m_loop.after(next_wait(result), [this] { look(); });
}

void Gate::make_first_requests() {
    m_first_requests = m_crew.first_requests([this] { first_requests_made(); });
    if (!m_first_requests)
        decide(std::nullopt);
}

void Gate::first_requests_made() {
    m_first_requests.reset();
    if (has_passed() && m_crew.is_up(m_rules.whom))
        return decide(std::nullopt);
    look(); // a process has ended meanwhile
}

milliseconds Gate::next_wait(const ProbeResult& result) {
    if (result.healthy) {
        m_wait = first_wait;
        const auto settled = m_crew.newest_start(m_rules.whom) + m_rules.settle;
        const auto left =
            std::chrono::ceil<milliseconds>(settled - std::chrono::steady_clock::now());
        return has_passed() && has_to_settle() ? std::max(left, m_wait) : m_wait;
    }
    const milliseconds wait = m_wait;
    m_wait = std::min(m_wait * 2, result.answered ? longest_wait : longest_wait_for_listening);
    return wait;
}

void Gate::ended(const Process& process, const std::string& how) {
    if (!m_rules.whom(process))
        return;
    m_last = {false, false, process.program().name + " " + how};
    m_passed = 0;
    if (!m_rules.forgives_exits)
        decide(m_last.reason);
}

void Gate::time_is_over() {
    if (m_first_requests && has_passed())
        return decide(std::nullopt);
    if (const Process* silent = m_crew.silent(m_rules.whom))
        return decide(still_silent(*silent));
    // What is being waited for says more than that nothing listened before, and less than an
    // answer.
    const bool says_more = m_looks && (m_last.healthy || !m_last.answered);
    if (const std::string pending = says_more ? m_check->pending() : ""; !pending.empty())
        m_last = {false, true, pending};
    if (m_last.healthy || m_last.reason.empty())
        return decide(fmt::format("it was not healthy within {}", duration_text(m_rules.timeout)));
    decide(fmt::format("{}{}; it was not healthy within {}", m_last.reason,
                       m_last.answered ? "" : elsewhere(), duration_text(m_rules.timeout)));
}

std::string Gate::still_silent(const Process& process) const {
    const std::string& said = process.said();
    return fmt::format("{} did not say READY=1 within {}; notify = true{}", process.program().name,
                       duration_text(m_rules.timeout),
                       said.empty() ? "" : fmt::format("; its last STATUS was '{}'", said));
}

// ", but it listens on port 3000": the usual mistake. Or it does listen, unseen.
std::string Gate::elsewhere() const {
    const Generation& generation = m_crew.generation();
    if (!generation.listens())
        return {};
    std::vector<std::uint16_t> ports;
    try {
        if (const auto holder = generation.hands_over ? m_crew.unseen() : std::nullopt)
            return fmt::format(", but {} does, by a bind(2) that the kernel did not report: "
                               "app.handover=restart lets it",
                               holder->text());
        ports = ports_of(m_crew.tree());
    } catch (const Error&) { // the verdict is to come all the same
        return {};
    }
    if (ports.empty() ||
        (generation.port && std::find(ports.begin(), ports.end(), *generation.port) != ports.end()))
        return {};
    return fmt::format(", but it listens on port {}", ports.front());
}

void Gate::decide(std::optional<std::string> why_not) {
    m_crew.on_ended({});
    m_crew.on_listening({});
    m_next.cancel();
    m_timeout.cancel();
    if (why_not)
        m_crew.testify_lines();
    else
        m_crew.set_proven();
    const OnVerdict on_verdict = std::move(m_on_verdict); // which may destroy this
    const std::optional<std::string> verdict = std::move(why_not);
    on_verdict(verdict);
}

Vigil::Vigil(Loop& loop, Crew& crew, OnVerdict on_verdict, std::optional<TimePoint> end)
    : m_loop(loop), m_crew(crew), m_on_verdict(std::move(on_verdict)),
      m_ends(end.value_or(std::chrono::steady_clock::now() + crew.generation().health.watch)) {
    m_crew.on_ended([this](Process& process, const std::string& how) {
        decide(process.program().name + " " + how);
    });
    const auto left = std::chrono::ceil<milliseconds>(m_ends - std::chrono::steady_clock::now());
    m_end = loop.after(std::max(left, milliseconds(0)), [this] { time_is_over(); });
    m_next = loop.after(watch_interval, [this] { look(); });
}

Vigil::~Vigil() {
    m_crew.on_ended({});
}

void Vigil::look() {
    m_check = m_crew.check([this](const ProbeResult& result) { take(result); });
    m_looks = true;
}

void Vigil::take(const ProbeResult& result) {
    m_looks = false;
    if (!result.made) { // which says nothing of the release
        m_next = m_loop.after(watch_interval, [this] { look(); });
        return;
    }
    m_failed = result.healthy ? 0 : m_failed + 1;
    if (!result.healthy)
        m_crew.testify_check(result.reason);
    if (m_failed >= failures_in_a_row)
        return decide(result.reason);
    if (m_is_over && m_failed == 0)
        return decide(std::nullopt);
    m_next = m_loop.after(m_failed > 0 ? second_look : watch_interval, [this] { look(); });
}

// What hangs is seen late: nothing is good that has not answered yet, or has failed just now.
void Vigil::time_is_over() {
    if (!m_looks && m_failed == 0)
        return decide(std::nullopt);
    m_is_over = true;
}

void Vigil::decide(std::optional<std::string> why_not) {
    m_crew.on_ended({});
    m_crew.testify_memory();
    if (why_not)
        m_crew.testify_lines();
    m_next.cancel();
    m_end.cancel();
    const OnVerdict on_verdict = std::move(m_on_verdict); // which may destroy this
    const std::optional<std::string> verdict = std::move(why_not);
    on_verdict(verdict);
}

} // namespace shipit::supervise

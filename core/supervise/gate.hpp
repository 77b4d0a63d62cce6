// Whether a generation proves itself: the gate before it is committed, and the watch after.
#pragma once

#include "core/supervise/check.hpp"
#include "core/supervise/crew.hpp"

namespace shipit::supervise {

struct GateRules {
    unsigned passes = 2; // consecutive
    milliseconds timeout = std::chrono::seconds(60);
    milliseconds settle = std::chrono::seconds(1); // without a check: to stay up for so long
    bool all_settle = false;                       // with a check, too: it does not ask all of them
    bool forgives_exits = false;                   // they are started again, and may yet pass
    Crew::Choice whom = Crew::all; // who has to be up and stay so; the check is of the whole crew
};

// Looks until the crew has passed, or has failed: a process ended, or time is over.
class Gate {
  public:
    using OnVerdict = std::function<void(const std::optional<std::string>& why_not)>;

    Gate(Loop& loop, Crew& crew, GateRules rules, OnVerdict on_verdict);
    ~Gate();
    Gate(const Gate&) = delete;
    Gate& operator=(const Gate&) = delete;

  private:
    void look();
    void take(const ProbeResult& result);
    void make_first_requests();
    void first_requests_made();
    void ended(const Process& process, const std::string& how);
    void time_is_over();
    [[nodiscard]] std::string still_silent(const Process& process) const;
    [[nodiscard]] bool has_check() const; // beside staying up
    [[nodiscard]] bool has_passed() const;
    [[nodiscard]] bool has_to_settle() const;
    [[nodiscard]] bool has_settled() const;
    [[nodiscard]] milliseconds next_wait(const ProbeResult& result);
    [[nodiscard]] std::string elsewhere() const;
    void decide(std::optional<std::string> why_not);

    Loop& m_loop;
    Crew& m_crew;
    GateRules m_rules;
    OnVerdict m_on_verdict;
    unsigned m_passed = 0;
    bool m_looks = false; // a check is on its way
    milliseconds m_wait;
    ProbeResult m_last;
    std::unique_ptr<Check> m_check;
    std::unique_ptr<FirstRequests> m_first_requests; // while they are made
    Loop::Timer m_next;
    Loop::Timer m_timeout;
};

// Looks every second for the length of the release's watch: an exit, or three failed checks in a
// row, the second and third at once, are its failure. A check that is on its way when the time is
// over, or has failed just before, is waited for.
class Vigil {
  public:
    using OnVerdict = Gate::OnVerdict;

    // Until `end` instead of for that length, where it goes on with what another program began.
    Vigil(Loop& loop, Crew& crew, OnVerdict on_verdict, std::optional<TimePoint> end = {});
    ~Vigil();
    Vigil(const Vigil&) = delete;
    Vigil& operator=(const Vigil&) = delete;
    [[nodiscard]] TimePoint end() const { return m_ends; }

  private:
    void look();
    void take(const ProbeResult& result);
    void time_is_over();
    void decide(std::optional<std::string> why_not);

    Loop& m_loop;
    Crew& m_crew;
    OnVerdict m_on_verdict;
    TimePoint m_ends;
    bool m_is_over = false;
    bool m_looks = false; // a check is on its way
    unsigned m_failed = 0;
    std::unique_ptr<Check> m_check;
    Loop::Timer m_next;
    Loop::Timer m_end;
};

} // namespace shipit::supervise

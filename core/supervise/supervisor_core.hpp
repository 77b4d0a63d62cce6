// The inside of the Supervisor: private to supervisor.cpp (its life), taking_over.cpp (what was
// before it), renewing.cpp (what takes its place), requests.cpp (its orders), replacing.cpp (the
// greatest of them), scaling.cpp, watching.cpp (whether what is live is well), trial.cpp (how long
// it stays) and warm.cpp (the generation before).
#pragma once

#include "core/supervise/control.hpp"
#include "core/supervise/held_signals.hpp"
#include "core/supervise/own_program.hpp"
#include "core/supervise/replacement.hpp"
#include "core/supervise/retirement.hpp"
#include "core/supervise/saved_state.hpp"
#include "core/supervise/service_manager.hpp"
#include "core/supervise/supervisor.hpp"
#include "core/sys/lock.hpp"

#include <set>

namespace shipit::supervise {

// {"event": …, "release": "v3"}
[[nodiscard]] Json event_of(const char* event, ReleaseNumber release);
[[nodiscard]] Json answer_ok(); // {"done": true, "ok": true}

class Supervisor::Core {
  public:
    explicit Core(SupervisorOptions options);
    void run();

  private:
    // --- Life ---
    // (taking_over.cpp)
    void bring_up();
    [[nodiscard]] bool adopt(const SavedProcess& saved);
    void take_over(const std::vector<SavedProcess>& saved_processes);
    void take_sockets_back(SavedState& saved);
    void end_unsaved();
    void end_cgroups(std::set<Path> folders) const;
    void stop_leftovers();
    void leftovers_stopped();
    void start_rest();
    // (supervisor.cpp)
    void find_cgroups();
    void end_all();
    void save();
    void save_at_once();
    [[nodiscard]] std::string status_line() const;
    [[nodiscard]] milliseconds time_to_end() const;
    [[nodiscard]] std::vector<const Crew*> crews() const;
    void note(const std::string& text) noexcept;
    void refused(Side side, const std::string& process, const std::string& why);

    // --- The next program in this process (renewing.cpp) ---
    void renew(ClientId client, const Json& request);
    void renew_when_free();
    void rehearse();
    void rehearsed(const RunCommand::End& end);
    void take_turn();
    void exec(const Json& memory, const Bequest& bequest);
    [[nodiscard]] std::string why_not_now() const;
    void not_renewed(const std::string& why);
    [[nodiscard]] Json memory(Bequest& bequest);
    void recall(const Json& memory);
    void go_on(const Json& memory);

    // --- Orders (requests.cpp) ---
    using Answer = void (Core::*)(ClientId, const Json&);
    void take_request(ClientId client, const Json& request);
    void dispatch(ClientId client, const Json& request);
    [[nodiscard]] bool is_clearing_up() const;
    void take_waiting();
    void refuse(ClientId client, const std::string& why);
    void begin(const char* work, ClientId client = 0);
    void finish(const Json& answer);
    void ping(ClientId client, const Json& request);
    void status(ClientId client, const Json& request);
    [[nodiscard]] Json status_of(const Crew& crew, const Process& process) const;
    [[nodiscard]] std::string chosen(const Json& request) const;
    void take_generation();
    void start(ClientId client, const Json& request);
    void stop(ClientId client, const Json& request);
    void restart(ClientId client, const Json& request);
    void start_and_answer(ClientId client, const std::string& which);
    void leave_start();
    void shutdown(ClientId client, const Json& request);

    // --- One release takes another's place (replacing.cpp) ---
    void replace(ClientId client, const Json& request);
    void commit(ClientId client, const Json& request);
    void abort(ClientId client, const Json& request);
    void client_gone(ClientId client);
    [[nodiscard]] bool is_live(ReleaseNumber release);
    [[nodiscard]] Replacement::Plan plan_for(Generation next);
    [[nodiscard]] std::string why_in_turn(const Generation& next) const;
    [[nodiscard]] Side side_for_next() const;
    void replaced(const Replacement::Verdict& verdict);
    void committed(const Replacement::Verdict& verdict, ClientId client);
    void not_committed(const Replacement::Verdict& verdict, ClientId client);
    // Where it points at a release that failed, beside one that serves.
    void put_current_back(ReleaseNumber release, const std::string& why);

    // --- Whether what is live is well (watching.cpp) ---
    void begin_watch(ClientId client, std::optional<TimePoint> end = {});
    [[nodiscard]] bool is_watched() const;
    void interrupt_watch();
    void resume_watch(const std::optional<std::string>& why_not);
    void watched(const std::optional<std::string>& why_not);
    void tell_good(ReleaseNumber release);
    void end_watch(const std::string& why);
    void tell_outside(Loop::Callback tell, milliseconds in = milliseconds(0));
    void look_late();
    // (trial.cpp)
    void wait_for_trial_end();
    [[nodiscard]] milliseconds trial_left(ReleaseNumber release, WallTime end);

    // --- More or fewer processes of the live release (scaling.cpp) ---
    [[nodiscard]] Replacement::Plan plan_for_scaled(Generation next);
    [[nodiscard]] std::set<std::string> bound_types(const Generation& next) const;

    // --- The generation before (warm.cpp) ---
    void keep_warm(std::shared_ptr<Crew> crew);
    void wait_for_warm_end();
    void warm_is_over();
    void retire_warm();
    void retire(std::shared_ptr<Crew> crew);
    void retired();
    void clear_side(Loop::Callback then);
    void vacate(Side side);
    [[nodiscard]] bool needs_watch(ReleaseNumber release);
    [[nodiscard]] bool take_back();

    SupervisorOptions m_options;
    OwnProgram m_program;
    Json m_memory; // of the program before us; null: there was none
    sys::Lock m_lock;
    Loop m_loop;
    ServiceManager m_manager{m_loop};
    LogFile m_app_log;
    LogFile m_own_log;
    std::unique_ptr<Addresses> m_addresses; // null: sockets cannot be handed over, because of
    std::string m_why_no_handover;
    std::string m_why_no_cgroups; // empty: each process has one
    Notices m_notices;
    Surroundings m_surroundings;
    Control m_control;
    std::optional<HeldSignals> m_signals;
    Loop::Timer m_save;
    bool m_is_saved = true;
    bool m_save_fails = false;
    Loop::Timer m_rest;

    std::shared_ptr<Crew> m_crew; // of the live release; may be stopped
    // Being stopped, before what is live is started: of an earlier supervisor, or of the release
    // that failed in its watch.
    std::vector<std::shared_ptr<Crew>> m_leftovers;
    std::string m_busy;      // with what; empty: with nothing
    ClientId m_busy_for = 0; // with a start, stop or restart; 0: nobody waits for it (any more)
    bool m_ending = false;
    // Orders that came while leftovers were being stopped, or a dead client's replacement ended.
    std::vector<std::pair<ClientId, Json>> m_waiting;

    // The one before, which gets no traffic but runs on, so that going back needs no start.
    std::shared_ptr<Crew> m_warm;
    TimePoint m_idle_since{};
    TimePoint m_warm_until{};
    Loop::Timer m_warm_end;
    bool m_is_warm_over = false; // but for the watch, which still may need it
    std::unique_ptr<Retirement> m_retirement;
    Loop::Callback m_on_clear;

    std::unique_ptr<Replacement> m_replacement;
    std::optional<Generation> m_label_before; // of the live crew, which is getting another's
    ClientId m_replacing_for = 0;             // 0: nobody (any more)
    bool m_commit_when_healthy = false;
    bool m_is_scaling = false; // the replacement is of the live release by itself

    std::unique_ptr<Vigil> m_vigil;
    std::optional<TimePoint> m_watch_end; // of one that goes on after a start
    ClientId m_watching_for = 0;
    bool m_next_may_go_back = false; // once what is taking its place is committed
    bool m_may_go_back = false;      // where the watch fails, the warm generation gets the traffic
    bool m_was_taken_back = false;   // it did; the release that says so is still to come

    Loop::Timer m_trial_end;
    std::optional<ReleaseNumber> m_on_trial;
    TimePoint m_trial_deadline{};

    Loop::Timer m_telling; // what came of a watch
    bool m_is_telling = false;

    std::unique_ptr<Gate> m_gate; // of a start or restart
    Loop::Timer m_late;           // after one that was not passed
    std::unique_ptr<Check> m_late_check;

    std::unique_ptr<RunCommand> m_rehearsal; // of the program that is to take our place
    sys::Fd m_script;                        // what it reads
    std::string m_rehearsal_output;
    ClientId m_renewing_for = 0;
    bool m_renew_again = false; // SIGHUP came meanwhile
    Loop::Timer m_renew;
};

} // namespace shipit::supervise

// The inside of the Supervisor: private to supervisor.cpp (its life) and requests.cpp (its orders).
#pragma once

#include "core/supervise/control.hpp"
#include "core/supervise/replacement.hpp"
#include "core/supervise/saved_state.hpp"
#include "core/supervise/supervisor.hpp"
#include "core/sys/lock.hpp"

namespace shipit::supervise {

class Supervisor::Core {
  public:
    explicit Core(SupervisorOptions options);
    void run();

  private:
    // --- Life (supervisor.cpp) ---
    void bring_up();
    [[nodiscard]] bool adopt(const SavedProcess& saved);
    void take_over(const std::optional<Generation>& live);
    void end_unsaved();
    void start_rest();
    void end_all();
    void save();
    [[nodiscard]] std::vector<const Crew*> crews() const;
    void note(const std::string& text) noexcept;

    // --- Orders (requests.cpp) ---
    using Answer = void (Core::*)(ClientId, const Json&);
    void take_request(ClientId client, const Json& request);
    void dispatch(ClientId client, const Json& request);
    void client_gone(ClientId client);
    void ping(ClientId client, const Json& request);
    void status(ClientId client, const Json& request);
    void replace(ClientId client, const Json& request);
    void commit(ClientId client, const Json& request);
    void abort(ClientId client, const Json& request);
    void start(ClientId client, const Json& request);
    void stop(ClientId client, const Json& request);
    void restart(ClientId client, const Json& request);
    void shutdown(ClientId client, const Json& request);

    void replaced(const Replacement::Verdict& verdict);
    void begin_watch(ClientId client);
    void watched(const std::optional<std::string>& why_not);
    void end_watch(const std::string& why);
    void start_and_answer(ClientId client, const std::string& which);
    [[nodiscard]] std::string chosen(const Json& request) const;
    void take_generation();
    void begin(const char* work);
    void refuse(ClientId client, const std::string& why);
    [[nodiscard]] bool is_live(ReleaseNumber release);

    SupervisorOptions m_options;
    sys::Lock m_lock;
    Loop m_loop;
    LogFile m_app_log;
    LogFile m_own_log;
    Surroundings m_surroundings;
    Control m_control;
    Loop::Signals m_signals;
    Loop::Timer m_save;

    std::shared_ptr<Crew> m_crew;                   // of the live release; may be stopped
    std::vector<std::shared_ptr<Crew>> m_leftovers; // of an earlier supervisor, being stopped
    std::string m_busy;                             // with what; empty: with nothing
    bool m_ending = false;

    std::unique_ptr<Replacement> m_replacement;
    ClientId m_replacing_for = 0; // 0: nobody (any more)
    bool m_commit_when_healthy = false;

    std::unique_ptr<Vigil> m_vigil;
    ClientId m_watching_for = 0;

    std::unique_ptr<Gate> m_gate; // of a start or restart
};

} // namespace shipit::supervise

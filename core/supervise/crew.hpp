// The processes of one generation, together.
#pragma once

#include "core/supervise/check.hpp"
#include "core/supervise/first_requests.hpp"
#include "core/supervise/port.hpp"
#include "core/supervise/process.hpp"

namespace shipit::supervise {

class Crew {
  public:
    // Some of the processes.
    using Choice = std::function<bool(const Process&)>;
    // `which`: a process's name, a type, or empty for all. Unknown names mean none.
    [[nodiscard]] static Choice called(const std::string& which);
    [[nodiscard]] static bool all(const Process& /*process*/) { return true; }

    // Processes are made for every program of the generation; none is started.
    Crew(Surroundings& surroundings, Generation generation, Side side);
    Crew(const Crew&) = delete;
    Crew& operator=(const Crew&) = delete;

    [[nodiscard]] const Generation& generation() const { return m_generation; }
    [[nodiscard]] ReleaseNumber release() const { return m_generation.release; }
    [[nodiscard]] Side side() const { return m_side; }
    [[nodiscard]] const std::vector<std::unique_ptr<Process>>& processes() const {
        return m_processes;
    }
    // It is another release's from now on; `generation` has the same programs.
    void relabel(Generation generation);
    // Those chosen of the other's processes become this one's, running as they are, in the place of
    // those that have their names here.
    void take(Crew& other, const Choice& choice);

    [[nodiscard]] bool has(const Choice& choice) const;
    void start(const Choice& choice = all);
    // Stops them and calls back, from the loop, when nothing of them is left.
    void stop(const Choice& choice, Loop::Callback done);
    // As stop(), remembering who was meant to run; and those started again.
    void suspend(const Choice& choice, Loop::Callback done);
    void resume();
    [[nodiscard]] bool was_suspended_running() const { return !m_suspended.empty(); }

    // Whether any of them is meant to run.
    [[nodiscard]] bool is_wanted(const Choice& choice = all) const;
    [[nodiscard]] bool is_stopped(const Choice& choice = all) const;
    // Whether any process is up.
    [[nodiscard]] bool is_any_up() const;
    // Those that are up and accept from the slots of its side now, whatever becomes of them.
    [[nodiscard]] Choice accepting() const;
    // Whether every process that is meant to run is up, and has said so if it is to.
    [[nodiscard]] bool is_up(const Choice& choice = all) const;
    // One that is up and still to say that it is ready; null: there is none.
    [[nodiscard]] const Process* silent(const Choice& choice = all) const;
    // When the youngest of them was started.
    [[nodiscard]] TimePoint newest_start(const Choice& choice = all) const;
    // All that belongs to it now, main processes first.
    [[nodiscard]] std::vector<pid_t> tree() const;
    // Who listens on its port with a socket of its own, since the kernel did not report its bind:
    // another architecture's program. Nothing if nobody does. Throws Error where that cannot be
    // told.
    [[nodiscard]] std::optional<PortHolder> unseen() const;
    // How it is checked; staying up is all when the process that would be asked is not to run.
    [[nodiscard]] Check::Kind check_kind() const;
    // Looks once.
    [[nodiscard]] std::unique_ptr<Check> check(Probe::OnDone done) const;
    // Makes the first requests to its workers, before it has traffic; null where there are none to
    // be made: health.path is not asked, one process alone would answer, or clients ask it already.
    [[nodiscard]] std::unique_ptr<FirstRequests> first_requests(Loop::Callback done) const;
    // Who is told when one of its processes, or another generation's, begins to listen, or says
    // that it is ready.
    void on_listening(Loop::Callback callback) const;
    void set_proven();
    [[nodiscard]] bool is_proven() const;
    // The last lines of all of them, for people: "web.1: …".
    [[nodiscard]] std::string evidence() const;
    // The witness is told: how a check failed; the last lines; how much memory it has used, where
    // that can be looked at.
    void testify_check(const std::string& why) const;
    void testify_lines() const;
    void testify_memory() const;

    // For the program that takes our place by execve(2); not while it is suspended. The JSON holds
    // config vars.
    [[nodiscard]] Json memory(Bequest& bequest) const;
    [[nodiscard]] static std::shared_ptr<Crew> recalled(Surroundings& surroundings,
                                                        const Json& memory);

    // Who is told when a process ends unasked; one at a time, an empty function for nobody.
    void on_ended(Process::OnEnded watcher) { m_watcher = std::move(watcher); }

  private:
    [[nodiscard]] Process::OnEnded teller();
    void wait_until_stopped(const Choice& choice, const Loop::Callback& done);
    [[nodiscard]] bool listens(const Addresses& addresses, const Process& process,
                               Entrance& entrance) const;
    [[nodiscard]] Check::WayIn way_in() const;
    [[nodiscard]] std::size_t size() const noexcept; // of its tree, as far as it can be told

    Surroundings& m_surroundings;
    Generation m_generation;
    Side m_side;
    std::vector<std::unique_ptr<Process>> m_processes;
    std::vector<Process*> m_suspended;
    Process::OnEnded m_watcher;
    Loop::Timer m_wait;
};

} // namespace shipit::supervise

// One look at whether a generation is well, in the way its release asks for.
#pragma once

#include "core/supervise/probe.hpp"
#include "core/supervise/program.hpp"
#include "core/supervise/run_command.hpp"

namespace shipit::supervise {

class Check {
  public:
    enum class Kind {
        http,    // GET of health.path
        command, // health.command exits with 0
        listens, // something listens on the port
        none,    // staying up is all there is
    };

    [[nodiscard]] static Kind kind_for(const Generation& generation);

    // Looks once, as `kind` says; `done` is called from the loop, within a time limit; not after
    // destruction.
    Check(Loop& loop, Kind kind, const Generation& generation, Probe::OnDone done);
    Check(const Check&) = delete;
    Check& operator=(const Check&) = delete;

  private:
    void run_command(const Generation& generation);
    void end(ProbeResult result);

    Loop& m_loop;
    Probe::OnDone m_done;
    std::string m_command;
    std::string m_output;
    std::unique_ptr<Probe> m_probe;
    std::unique_ptr<RunCommand> m_run;
    Loop::Timer m_soon;
};

} // namespace shipit::supervise

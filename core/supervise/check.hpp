// One look at whether a generation is well, in the way its release asks for.
#pragma once

#include "core/supervise/addresses.hpp"
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

    // The way in. One that is known is an address to ask, or nothing where no program listens; one
    // that is not is looked for. Connections of the command are led to `side`.
    struct WayIn {
        bool is_known = false;
        std::optional<Entrance> entrance = std::nullopt;
        const Addresses* addresses = nullptr;
        Side side = Side::a;
    };

    // Whom an HTTP request is made to; nothing where it is known that nobody listens.
    [[nodiscard]] static std::optional<ProbeTarget> target(const Generation& generation,
                                                           const WayIn& way_in);

    // Looks once, as `kind` says; `done` is called from the loop, within a time limit; not after
    // destruction.
    Check(Loop& loop, Kind kind, const Generation& generation, const WayIn& way_in,
          Probe::OnDone done);
    Check(const Check&) = delete;
    Check& operator=(const Check&) = delete;
    // What is still waited for, as a reason; empty if that is nothing that could take time.
    [[nodiscard]] std::string pending() const;

  private:
    void run_command(const Generation& generation, const WayIn& way_in);
    void connect(Kind kind, const Generation& generation, const WayIn& way_in);
    void end_soon(ProbeResult result);
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

#include "core/supervise/run_once.hpp"

#include "core/base/error.hpp"
#include "core/supervise/run_command.hpp"
#include "core/supervise/tree.hpp"
#include "core/supervise/words.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <exception>
#include <optional>

#include <sys/prctl.h>
#include <unistd.h>

namespace shipit::supervise {

namespace {

// The caller's handlers come back when this ends: the loop's own leave SIG_DFL behind.
class KeptHandlers {
  public:
    KeptHandlers() {
        for (std::size_t i = 0; i < signals.size(); ++i)
            (void)::sigaction(signals.at(i), nullptr, &m_before.at(i));
    }
    ~KeptHandlers() {
        for (std::size_t i = 0; i < signals.size(); ++i)
            (void)::sigaction(signals.at(i), &m_before.at(i), nullptr);
        if (m_waits)
            (void)::pthread_sigmask(SIG_SETMASK, &m_mask_before, nullptr);
    }
    KeptHandlers(const KeptHandlers&) = delete;
    KeptHandlers& operator=(const KeptHandlers&) = delete;

    // Signals that come from now on find the caller's handlers, and no moment without one.
    void let_signals_wait() {
        sigset_t waiting;
        (void)::sigemptyset(&waiting);
        for (const int signal : signals)
            (void)::sigaddset(&waiting, signal);
        m_waits = ::pthread_sigmask(SIG_BLOCK, &waiting, &m_mask_before) == 0;
    }

  private:
    static constexpr std::array signals = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};
    std::array<struct sigaction, signals.size()> m_before{};
    sigset_t m_mask_before{};
    bool m_waits = false;
};

// Daemons that the program leaves behind come to us, so that they can be ended.
class Reaper {
  public:
    Reaper() : m_others(strays()) {
        (void)::prctl(PR_GET_CHILD_SUBREAPER, &m_before, 0, 0, 0);
        become_subreaper();
    }
    ~Reaper() {
        end_daemons();
        reap_orphans();
        (void)::prctl(PR_SET_CHILD_SUBREAPER, m_before, 0, 0, 0);
    }
    Reaper(const Reaper&) = delete;
    Reaper& operator=(const Reaper&) = delete;

  private:
    void end_daemons() const noexcept {
        constexpr int most_rounds = 100; // one that forks faster than this is not to be had
        for (int round = 0; round < most_rounds; ++round) {
            bool any = false;
            for (const sys::ProcessName& stray : strays_or_none())
                if (std::find(m_others.begin(), m_others.end(), stray) == m_others.end()) {
                    signal_exactly(stray, SIGKILL);
                    any = true;
                }
            if (!any)
                return;
            ::usleep(1000); // they need a moment to be gone
            reap_orphans();
        }
    }

    static std::vector<sys::ProcessName> strays_or_none() noexcept {
        try {
            return strays();
        } catch (const std::exception&) { // no /proc: there is no telling
            return {};
        }
    }

    std::vector<sys::ProcessName> m_others; // children of ours that were there before
    int m_before = 0;
};

// Output comes in pieces, even byte by byte; what is recorded with a time are lines.
class Lines {
  public:
    explicit Lines(const std::function<void(std::string_view)>& sink) : m_sink(sink) {}

    void add(std::string_view piece) {
        m_unfinished += piece;
        const auto end = m_unfinished.rfind('\n');
        if (end == std::string::npos && m_unfinished.size() < longest_line)
            return;
        const std::size_t whole = end == std::string::npos ? m_unfinished.size() : end + 1;
        m_sink(std::string_view(m_unfinished).substr(0, whole));
        m_unfinished.erase(0, whole);
    }

    void finish() {
        if (!m_unfinished.empty())
            m_sink(m_unfinished);
        m_unfinished.clear();
    }

  private:
    static constexpr std::size_t longest_line = 64 << 10;
    const std::function<void(std::string_view)>& m_sink;
    std::string m_unfinished;
};

Launch launch_of(const Program& program) {
    Launch launch;
    launch.argv = argv_of(program.command);
    launch.environment = program.environment;
    launch.folder = program.folder;
    launch.user = program.user;
    return launch;
}

struct Plan {
    milliseconds timeout{0};
    RunCommand::OnOutput output;
    std::vector<int> signals;
    std::function<void(RunCommand&, int signal)> on_signal;
};

OnceEnd run(Launch launch, Plan plan) {
    KeptHandlers handlers;
    const Reaper reaper;
    Loop loop;
    OnceEnd result;
    std::exception_ptr failure; // of the output
    std::optional<RunCommand> command;
    RunCommand::OnOutput output;
    if (plan.output)
        output = [&](std::string_view piece) {
            try {
                if (!failure)
                    plan.output(piece);
            } catch (...) {
                failure = std::current_exception();
                (void)command->kill_tree(); // its end is seen
            }
        };
    const auto signals =
        loop.on_signals(plan.signals, [&](int signal) { plan.on_signal(*command, signal); });
    try {
        command.emplace(loop, std::move(launch), plan.timeout, std::move(output),
                        [&](const RunCommand::End& end) {
                            result.code = end.status ? exit_code(*end.status) : 1;
                            result.how = exit_text(end.status);
                            result.timed_out = end.timed_out;
                            loop.stop();
                        });
    } catch (const Error&) {
        handlers.let_signals_wait();
        throw;
    }
    loop.run();
    handlers.let_signals_wait();
    loop.run_ready(); // a signal that came in the moment in which it ended
    if (failure)
        std::rethrow_exception(failure);
    return result;
}

} // namespace

OnceEnd run_once(const Program& program, milliseconds timeout,
                 const std::function<void(std::string_view)>& output, int input) {
    int interrupted_by = 0;
    Lines lines(output);
    Plan plan;
    plan.timeout = timeout;
    plan.output = [&lines](std::string_view piece) { lines.add(piece); };
    plan.signals = {SIGINT, SIGTERM};
    plan.on_signal = [&interrupted_by](RunCommand& command, int signal) {
        interrupted_by = signal;
        (void)command.kill_tree();
    };
    Launch launch = launch_of(program);
    launch.input = input;
    OnceEnd end = run(std::move(launch), std::move(plan));
    lines.finish();
    end.interrupted_by = interrupted_by;
    return end;
}

OnceEnd run_interactively(const Program& program) {
    Launch launch = launch_of(program);
    launch.session = Launch::Session::ours;
    launch.input = STDIN_FILENO;
    int interrupted_by = 0;
    Plan plan;
    plan.signals = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};
    plan.on_signal = [&interrupted_by](RunCommand& command, int signal) {
        if (signal != SIGTERM && signal != SIGHUP)
            return; // the others came from the terminal, to it as well
        interrupted_by = signal;
        command.signal(signal);
    };
    OnceEnd end = run(std::move(launch), std::move(plan));
    end.interrupted_by = interrupted_by;
    return end;
}

} // namespace shipit::supervise

// ps, start, stop, restart, run, supervise.
#include "cmd/changes.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/running.hpp"
#include "core/deploy/status.hpp"
#include "core/sys/clock.hpp"
#include "core/sys/interrupt.hpp"

#include <cerrno>
#include <cstdlib>

#include <fmt/core.h>

namespace shipit::cmd {

namespace {

bool has_failed(const deploy::ProcessFacts& process) {
    return process.state == "crashed" || process.state == "hung";
}

Colour colour_of(const deploy::ProcessFacts& process) {
    if (process.state == "up")
        return Colour::good;
    return has_failed(process) ? Colour::bad : Colour::waiting;
}

void tell_of_none(const Invocation& invocation, const deploy::App& app) {
    if (deploy::has_lost_supervisor(app)) {
        invocation.terminal.warning(deploy::told_of_left(app, deploy::left_processes_of(app)));
        invocation.terminal.note("next: " + deploy::way_to_end_lack(app));
    } else if (!invocation.terminal.wants_json()) {
        invocation.terminal.note(fmt::format("No processes on {}.", app.name().text()));
    }
}

int ps(Invocation& invocation) {
    const auto app = invocation.app();
    if (!app.is_ours()) // whose supervisor is somewhere else, for all we see
        throw_errno(fmt::format("cannot look into '{}'", app.layout.folder().string()), EACCES);
    const auto processes = deploy::processes(app);
    if (processes.empty())
        tell_of_none(invocation, app);
    if (invocation.terminal.wants_json()) {
        Json all = Json::array();
        for (const deploy::ProcessFacts& process : processes)
            all.push_back(process.json());
        invocation.terminal.print_json(all);
        return 0;
    }
    if (processes.empty())
        return 0;
    std::vector<Terminal::Row> rows{
        {{"process", "state", "release", "since", "restarts", "memory", "command"}, Colour::faint}};
    for (const deploy::ProcessFacts& process : processes)
        rows.push_back(
            {{process.name, process.state, process.release ? process.release->text() : "-",
              process.since ? time_ago(*process.since, sys::now()) : "-",
              std::to_string(process.restarts), size_text(process.resident),
              printable(process.command)},
             colour_of(process)});
    invocation.terminal.table(rows, 6);
    for (const deploy::ProcessFacts& process : processes)
        if (has_failed(process))
            invocation.terminal.note(fmt::format("{} {}", process.name, process.last_exit));
        else if (!process.said.empty())
            invocation.terminal.note(fmt::format("{} says: {}", process.name, process.said));
    return 0;
}

// One object, or with --all one for each app, of what was done.
class Doings {
  public:
    explicit Doings(const Invocation& invocation) : m_invocation(invocation) {}

    void add(const deploy::App& app, const char* fact, bool value, const std::string& note) {
        m_all.push_back(Json::object({{"app", app.name().text()}, {fact, value}}));
        if (!m_invocation.terminal.wants_json() && !note.empty())
            m_invocation.terminal.note(note);
    }

    void tell(bool of_all) const {
        if (m_invocation.terminal.wants_json())
            m_invocation.terminal.print_json(of_all ? m_all : m_all.items().front());
    }

  private:
    const Invocation& m_invocation;
    Json m_all = Json::array();
};

int start_all(Invocation& invocation) {
    Doings doings(invocation);
    const Outcome outcome = in_every_app(invocation, "was not started", [&](deploy::App app) {
        const bool is_up = deploy::bring_up(app, invocation.patience());
        doings.add(app, "supervised", is_up,
                   is_up ? fmt::format("{} is supervised", app.name().text()) : "");
        return Outcome::done;
    });
    doings.tell(true);
    return static_cast<int>(outcome);
}

int stop_all(Invocation& invocation) {
    Doings doings(invocation);
    const Outcome outcome = in_every_app(invocation, "was not stopped", [&](deploy::App app) {
        deploy::take_down(app, invocation.patience());
        doings.add(app, "stopped", true, fmt::format("Stopped {}", app.name().text()));
        return Outcome::done;
    });
    doings.tell(true);
    return static_cast<int>(outcome);
}

int start(Invocation& invocation) {
    if (asked_for_every_app(invocation))
        return start_all(invocation);
    Doings doings(invocation);
    auto app = invocation.app();
    sys::defer_signals(); // ^C ends the wait, and what is begun is recorded
    deploy::start(app, invocation.patience());
    doings.add(app, "started", true, fmt::format("Started {}", app.name().text()));
    doings.tell(false);
    return 0;
}

int stop(Invocation& invocation) {
    if (asked_for_every_app(invocation))
        return stop_all(invocation);
    Doings doings(invocation);
    auto app = invocation.app();
    sys::defer_signals(); // as for a start
    deploy::stop(app, invocation.patience());
    doings.add(app, "stopped", true, fmt::format("Stopped {}", app.name().text()));
    doings.tell(false);
    return 0;
}

int restart(Invocation& invocation) {
    auto app = invocation.app();
    const std::string process = invocation.arguments.word(0).value_or("");
    const deploy::Changed changed = deploy::restart(app, process, change_options(invocation));
    if (invocation.terminal.wants_json())
        invocation.terminal.print_json(cmd::json_of(changed).set("app", app.name().text()));
    else
        invocation.terminal.note(
            fmt::format("Restarted {}", process.empty() ? app.name().text() : printable(process)));
    return 0;
}

int run(Invocation& invocation) {
    auto app = invocation.app();
    const auto release = invocation.release_option(app, "release");
    const auto words = invocation.arguments.words();
    return deploy::run_one_off(app, release, {words.begin(), words.end()});
}

int supervise(Invocation& invocation) {
    // What it records is its own doing, not that of the client which happened to start it, nor of
    // whoever is logged in there.
    for (const char* variable : {"SHIPIT_KEY", "SSH_CONNECTION", "SUDO_USER"})
        (void)::unsetenv(variable);
    const auto word = invocation.arguments.word(0);
    auto app = deploy::App::open(
        invocation.host(),
        deploy::chosen_app(invocation.host(), word ? word : invocation.arguments.text("app"), "."));
    app.host.origin = {"shipit", ""};
    if (invocation.arguments.has("end")) {
        deploy::end_left_processes(app);
        return 0;
    }
    std::optional<int> inherited;
    if (const auto descriptor = invocation.number("resume"))
        inherited = static_cast<int>(*descriptor);
    deploy::supervise_app(app, inherited);
    return 0;
}

} // namespace

extern const Command ps_command, start_command, stop_command, restart_command, run_command,
    supervise_command;

const Command ps_command{
    "ps", "list the processes", {}, {}, {"shipit -a blog ps", "shipit -a blog ps --json"}, ps};

const Command start_command{
    "start",
    "start the live release's processes",
    {},
    {{"--all", "", "every app that was not stopped, as at the host's start"}, wait_option},
    {"shipit -a blog start", "shipit start --all --quiet --wait=10m"},
    start};

const Command stop_command{
    "stop",
    "stop all processes, until start, restart or deploy",
    {},
    {{"--all", "", "of every app, until the host's next start or start --all"}, wait_option},
    {"shipit -a blog stop", "shipit stop --all --wait"},
    stop};

const Command restart_command{"restart",
                              "restart all processes, or one",
                              {{"PROCESS", Argument::Number::optional}},
                              {no_wait_option, wait_option},
                              {"shipit -a blog restart", "shipit -a blog restart worker.1"},
                              restart};

const Command run_command{
    "run",
    "run a command with a release's code and config vars",
    {{"COMMAND", Argument::Number::some}},
    {{"--release", "vN", "the release; else the live one"}},
    {"shipit -a blog run -- python manage.py shell", "shipit -a blog run --release v3 -- env"},
    run,
    false,
    true};

const Command supervise_command{
    "supervise",
    "own an app's processes, in the foreground",
    {{"APP", Argument::Number::optional}},
    {{"--resume", "FD", "go on from an earlier program's memory; used by itself"},
     {"--end", "", "end what a killed one has left, and start nothing"}},
    {"shipit supervise blog"},
    supervise,
    true};

} // namespace shipit::cmd

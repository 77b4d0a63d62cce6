#include "cmd/evidence.hpp"
#include "cmd/invocation.hpp"
#include "cmd/screen.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/status.hpp"
#include "core/sys/interrupt.hpp"

#include <csignal>
#include <optional>
#include <vector>

#include <fmt/core.h>

namespace shipit::cmd {

namespace {

using deploy::AppStatus;

constexpr std::chrono::seconds usual_pause(2);

void tell(Invocation& invocation, std::string_view name, const std::string& value) {
    constexpr std::size_t indent = 10;
    const std::string head = fmt::format("{:<{}}", fmt::format("{}:", name), indent);
    invocation.terminal.paragraph(head, indent, value);
}

void tell_release(Invocation& invocation, const deploy::App& app, const AppStatus& status) {
    const release::Manifest& manifest = *status.manifest;
    const auto since = manifest.evidence.live_at.value_or(manifest.created_at);
    tell(invocation, "release",
         fmt::format("{} {}, live since {} ({}), by {}", manifest.number.text(),
                     printable(manifest.description), time_text(since), time_ago(since, status.at),
                     printable(manifest.created_by)));
    const auto& healthy = manifest.evidence.healthy_after;
    tell(invocation, "health",
         mark_text(app, manifest.number) +
             (healthy ? "; healthy after " + duration_text(*healthy) : ""));
}

Colour colour_of(deploy::AppState state) {
    using deploy::AppState;
    if (state == AppState::up)
        return Colour::good;
    return state == AppState::down || state == AppState::not_supervised ||
                   state == AppState::supervisor_hangs || state == AppState::damaged
               ? Colour::bad
               : Colour::waiting;
}

std::string processor_text(double processors) {
    constexpr double whole = 100;
    return fmt::format("{:.1f} %", processors * whole);
}

// "3 seconds ago" where somebody looks on, the whole time for a file.
std::string when(const Invocation& invocation, WallTime time, WallTime now) {
    return invocation.terminal.is_terminal() ? time_ago(time, now) : time_text(time);
}

Terminal::Row row_of(const Invocation& invocation, const deploy::ProcessStatus& process,
                     WallTime now) {
    const deploy::ProcessFacts& facts = process.facts;
    const auto& usage = process.usage;
    return {{facts.name, facts.state, facts.release ? facts.release->text() : "-",
             facts.since ? when(invocation, *facts.since, now) : "-",
             std::to_string(facts.restarts), usage ? size_text(usage->memory) : "-",
             usage ? processor_text(process.processors) : "-",
             usage ? std::to_string(usage->processes) : "-"},
            facts.state == "up"                                 ? Colour::good
            : facts.state == "crashed" || facts.state == "hung" ? Colour::bad
                                                                : Colour::waiting};
}

void tell_processes(Invocation& invocation, const AppStatus& status) {
    if (status.processes.empty())
        return;
    std::vector<Terminal::Row> rows{
        {{"process", "state", "release", "since", "restarts", "memory", "CPU", "processes"},
         Colour::faint}};
    for (const deploy::ProcessStatus& process : status.processes)
        rows.push_back(row_of(invocation, process, status.at));
    invocation.terminal.print("");
    invocation.terminal.table(rows, 3);
}

// "Second version; by root", "web.1 was killed by SIGKILL after 2 s; 3 times"
std::string text_of(const deploy::Moment& moment) {
    std::string text = printable(moment.detail);
    const auto add = [&text](const std::string& more) {
        text += (text.empty() ? "" : "; ") + more;
    };
    if (moment.times > 1)
        add(fmt::format("{} times", moment.times));
    if (!moment.user.empty())
        add("by " + printable(moment.user));
    return text;
}

void tell_lately(Invocation& invocation, const AppStatus& status) {
    if (status.lately.empty())
        return;
    std::vector<Terminal::Row> rows{{{"lately", "", "", ""}, Colour::faint}};
    for (const deploy::Moment& moment : status.lately)
        rows.push_back({{when(invocation, moment.at, status.at),
                         moment.what + (moment.is_bad && moment.what != "crash" ? " (failed)" : ""),
                         moment.release ? moment.release->text() : "", text_of(moment)},
                        moment.is_bad ? Colour::bad : Colour::plain});
    invocation.terminal.print("");
    invocation.terminal.table(rows, 3);
}

void tell_all(Invocation& invocation, const deploy::App& app, const AppStatus& status) {
    tell(invocation, "app", app.name().text());
    tell(invocation, "state",
         invocation.terminal.coloured(name_of(status.state), colour_of(status.state)));
    if (status.manifest)
        tell_release(invocation, app, status);
    else if (status.current)
        tell(invocation, "release", status.current->text());
    if (status.stored)
        tell(invocation, "stored",
             fmt::format("{} {}, never live; to take it live: shipit -a {} activate {}",
                         status.stored->number.text(), printable(status.stored->description),
                         app.name().text(), status.stored->number.text()));
    if (status.holder)
        tell(invocation, "locked", "by " + status.holder->text(status.at));
    if (status.complaint)
        tell(invocation, "problem", status.complaint->why());
    if (!status.left.empty())
        tell(invocation, "problem", deploy::told_of_left(app, status.left));
    if (status.stand_in)
        tell(invocation, "problem", deploy::told_of_stand_in(*status.current, *status.stand_in));
    if (status.is_silent)
        tell(invocation, "next", status.complaint->next());
    else if (!status.left.empty() || status.state == deploy::AppState::not_supervised)
        tell(invocation, "next", deploy::way_to_end_lack(app));
    else if (status.stand_in)
        tell(invocation, "next", fmt::format("shipit -a {} rollback", app.name().text()));
    tell_processes(invocation, status);
    tell_lately(invocation, status);
}

int exit_status_of(const AppStatus& status) {
    return static_cast<int>(status.complaint ? status.complaint->outcome() : Outcome::done);
}

// --- Again and again ---

std::chrono::milliseconds pause_of(const Invocation& invocation) {
    const auto text = invocation.arguments.text("watch");
    if (!text)
        return usual_pause;
    // A number is one of seconds.
    const bool is_number = text->find_first_not_of("0123456789") == std::string::npos;
    const auto pause = parse_duration(*text + (is_number ? "s" : ""));
    if (!pause || *pause < std::chrono::milliseconds(100))
        throw unfit_value(
            "watch", fmt::format("takes seconds, or a time like 500ms, not '{}'", printable(*text)),
            "5");
    return *pause;
}

void print_block(Invocation& invocation, const deploy::App& app, const AppStatus& status) {
    if (invocation.terminal.wants_json()) {
        invocation.terminal.raw(deploy::json_of(app, status).dump() + "\n");
    } else {
        tell(invocation, "at", time_text(status.at));
        tell_all(invocation, app, status);
        invocation.terminal.print("");
    }
    invocation.terminal.finish();
}

// Until ^C, until nobody reads any more, or the app is destroyed.
[[noreturn]] void watch(Invocation& invocation) {
    const auto pause = pause_of(invocation);
    sys::defer_signals();
    (void)std::signal(SIGHUP, SIG_DFL);
    std::optional<Screen> screen;
    std::optional<AppStatus> before;
    for (;;) {
        const auto app = invocation.app();
        AppStatus status = deploy::status_of(app, before ? &*before : nullptr);
        if (!screen && invocation.terminal.can_draw())
            screen.emplace(invocation.terminal);
        if (screen)
            screen->show(invocation.terminal.captured([&] { tell_all(invocation, app, status); }));
        else
            print_block(invocation, app, status);
        before = std::move(status);
        sys::wait_for_time(pause);
    }
}

int run_status(Invocation& invocation) {
    if (invocation.arguments.has("watch"))
        watch(invocation);
    const auto app = invocation.app();
    const AppStatus status = deploy::status_of(app);
    if (invocation.terminal.wants_json())
        invocation.terminal.print_json(deploy::json_of(app, status));
    else
        tell_all(invocation, app, status);
    return exit_status_of(status);
}

} // namespace

extern const Command status_command;
const Command status_command{
    "status",
    "is it up, which release, since when, what does it use, what happened lately",
    {},
    {{"--watch", "[SECONDS]", "again and again, every 2 seconds, until ^C"}},
    {"shipit -a blog status", "shipit -a blog status --watch=5", "shipit -a blog status --json"},
    run_status};

} // namespace shipit::cmd

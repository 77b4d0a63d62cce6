#include "cmd/invocation.hpp"

#include "core/base/text.hpp"
#include "core/deploy/running.hpp"
#include "core/sys/clock.hpp"

#include <algorithm>

#include <fmt/core.h>

namespace shipit::cmd {

namespace {

struct Status {
    std::optional<ReleaseNumber> current;
    std::vector<deploy::ProcessFacts> processes;
    std::optional<sys::LockHolder> holder;
    const char* state = "";
};

// One word for the whole app.
const char* state_of(const deploy::App& app, const std::optional<ReleaseNumber>& current,
                     const std::vector<deploy::ProcessFacts>& processes) {
    if (!current)
        return "nothing deployed";
    if (app.is_stopped())
        return "stopped";
    if (!deploy::live_generation(app))
        return "files only";
    if (!deploy::is_supervised(app)) // they may well serve: processes outlive their supervisor
        return "not supervised";
    // Of the live release: the one before it may still be warm, or on its way out.
    const auto is_live = [&](const auto& process) { return process.release == current; };
    const auto live = std::count_if(processes.begin(), processes.end(), is_live);
    const auto up = std::count_if(processes.begin(), processes.end(), [&](const auto& process) {
        return is_live(process) && process.state == "up";
    });
    if (up == 0)
        return "down";
    return up == live ? "up" : "partly up";
}

void tell(Invocation& invocation, std::string_view name, const std::string& value) {
    invocation.terminal.print(fmt::format("{:<10}{}", fmt::format("{}:", name), value));
}

void tell_release(Invocation& invocation, const deploy::App& app, ReleaseNumber current) {
    const auto manifest = app.ledger.load(current);
    const auto since = manifest.evidence.live_at.value_or(manifest.created_at);
    tell(invocation, "release",
         fmt::format("{} {}, live since {} ({}), by {}", current.text(),
                     printable(manifest.description), time_text(since), time_ago(since, sys::now()),
                     printable(manifest.created_by)));
}

Colour colour_of(std::string_view state) {
    if (state == "up")
        return Colour::good;
    return state == "down" || state == "not supervised" ? Colour::bad : Colour::waiting;
}

Json json_of(const deploy::App& app, const Status& status) {
    Json all = Json::array();
    for (const deploy::ProcessFacts& process : status.processes)
        all.push_back(process.json());
    return Json::object(
        {{"app", app.name().text()},
         {"state", status.state},
         {"current", status.current ? Json(status.current->text()) : Json()},
         {"supervised", deploy::is_supervised(app)},
         {"locked_by", status.holder ? Json(status.holder->text(sys::now())) : Json()},
         {"processes", all}});
}

void tell_all(Invocation& invocation, const deploy::App& app, const Status& status) {
    tell(invocation, "app", app.name().text());
    tell(invocation, "state", invocation.terminal.coloured(status.state, colour_of(status.state)));
    if (status.current)
        tell_release(invocation, app, *status.current);
    if (status.holder)
        tell(invocation, "locked", "by " + status.holder->text(sys::now()));
    for (const deploy::ProcessFacts& process : status.processes)
        tell(invocation, process.name,
             fmt::format("{}{}, {} restarts, {}", process.state,
                         process.since ? " since " + time_text(*process.since) : "",
                         process.restarts, size_text(process.resident)));
    if (std::string_view(status.state) == "not supervised")
        invocation.terminal.note(fmt::format("next: shipit -a {} start", app.name().text()));
}

int run(Invocation& invocation) {
    const auto app = invocation.app();
    Status status;
    status.current = app.ledger.current();
    status.processes = deploy::processes(app);
    status.holder = sys::Lock::holder(app.layout.lock());
    status.state = state_of(app, status.current, status.processes);
    if (invocation.terminal.wants_json())
        invocation.terminal.print_json(json_of(app, status));
    else
        tell_all(invocation, app, status);
    return 0;
}

} // namespace

extern const Command status_command;
const Command status_command{"status",
                             "is it up, which release, since when",
                             {},
                             {},
                             {"shipit -a blog status", "shipit -a blog status --json"},
                             run};

} // namespace shipit::cmd

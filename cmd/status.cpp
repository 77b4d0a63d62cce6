#include "cmd/invocation.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/running.hpp"
#include "core/sys/clock.hpp"

#include <algorithm>

#include <fmt/core.h>

namespace shipit::cmd {

namespace {

struct Status {
    std::optional<ReleaseNumber> current;
    std::optional<release::Manifest> manifest; // of `current`
    bool has_processes = false;                // the live release
    std::vector<deploy::ProcessFacts> processes;
    bool is_supervised = false;
    std::optional<sys::LockHolder> holder;
    const char* state = "";
    std::optional<Error> complaint; // what cannot be read; the rest is told all the same
};

// One word for the whole app.
const char* state_of(const deploy::App& app, const Status& status) {
    if (!status.current && status.complaint)
        return "damaged";
    if (!status.current)
        return "nothing deployed";
    if (app.is_stopped())
        return "stopped";
    if (!status.has_processes && !status.complaint)
        return "files only";
    if (!status.is_supervised) // they may well serve: processes outlive their supervisor
        return "not supervised";
    // Of the live release: the one before it may still be warm, or on its way out.
    const auto is_live = [&](const auto& process) { return process.release == status.current; };
    const auto live = std::count_if(status.processes.begin(), status.processes.end(), is_live);
    const auto up =
        std::count_if(status.processes.begin(), status.processes.end(), [&](const auto& process) {
            return is_live(process) && process.state == "up";
        });
    if (up == 0)
        return "down";
    return up == live ? "up" : "partly up";
}

// Of an app that is not ours to look into: what everybody sees.
Status status_from_outside(const deploy::App& app) {
    Status status;
    status.current = app.ledger.current();
    status.state = "another user's";
    return status;
}

Status status_of(const deploy::App& app) {
    if (!app.is_ours())
        return status_from_outside(app);
    Status status;
    status.processes = deploy::processes(app);
    status.is_supervised = deploy::is_supervised(app);
    status.holder = sys::Lock::holder(app.layout.lock());
    try {
        status.has_processes = !status.processes.empty();
        status.current = app.ledger.current();
        if (status.current)
            status.manifest = app.ledger.load(*status.current);
        status.has_processes = deploy::live_generation(app).has_value();
    } catch (const Error& error) {
        status.complaint = error;
    }
    status.state = state_of(app, status);
    return status;
}

void tell(Invocation& invocation, std::string_view name, const std::string& value) {
    invocation.terminal.print(fmt::format("{:<10}{}", fmt::format("{}:", name), value));
}

void tell_release(Invocation& invocation, const release::Manifest& manifest) {
    const auto since = manifest.evidence.live_at.value_or(manifest.created_at);
    tell(invocation, "release",
         fmt::format("{} {}, live since {} ({}), by {}", manifest.number.text(),
                     printable(manifest.description), time_text(since), time_ago(since, sys::now()),
                     printable(manifest.created_by)));
}

Colour colour_of(std::string_view state) {
    if (state == "up")
        return Colour::good;
    return state == "down" || state == "not supervised" || state == "damaged" ? Colour::bad
                                                                              : Colour::waiting;
}

Json json_of(const deploy::App& app, const Status& status) {
    Json all = Json::array();
    for (const deploy::ProcessFacts& process : status.processes)
        all.push_back(process.json());
    Json json =
        Json::object({{"app", app.name().text()},
                      {"state", status.state},
                      {"current", status.current ? Json(status.current->text()) : Json()},
                      {"supervised", status.is_supervised},
                      {"locked_by", status.holder ? Json(status.holder->text(sys::now())) : Json()},
                      {"processes", all}});
    if (status.complaint)
        json.set("complaint", status.complaint->why());
    return json;
}

void tell_all(Invocation& invocation, const deploy::App& app, const Status& status) {
    tell(invocation, "app", app.name().text());
    tell(invocation, "state", invocation.terminal.coloured(status.state, colour_of(status.state)));
    if (status.manifest)
        tell_release(invocation, *status.manifest);
    else if (status.current)
        tell(invocation, "release", status.current->text());
    if (status.holder)
        tell(invocation, "locked", "by " + status.holder->text(sys::now()));
    for (const deploy::ProcessFacts& process : status.processes)
        tell(invocation, process.name,
             fmt::format("{}{}, {} restarts, {}", process.state,
                         process.since ? " since " + time_text(*process.since) : "",
                         process.restarts, size_text(process.resident)));
    if (status.complaint)
        tell(invocation, "problem", status.complaint->why());
    if (std::string_view(status.state) == "not supervised")
        invocation.terminal.note(fmt::format("next: shipit -a {} start", app.name().text()));
}

int run(Invocation& invocation) {
    const auto app = invocation.app();
    const Status status = status_of(app);
    if (invocation.terminal.wants_json())
        invocation.terminal.print_json(json_of(app, status));
    else
        tell_all(invocation, app, status);
    return static_cast<int>(status.complaint ? status.complaint->outcome() : Outcome::done);
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

#include "cmd/invocation.hpp"

#include "core/base/text.hpp"
#include "core/deploy/running.hpp"
#include "core/sys/clock.hpp"

#include <algorithm>

#include <fmt/core.h>

namespace shipit::cmd {

namespace {

// One word for the whole app.
const char* state_of(const deploy::App& app, const std::optional<ReleaseNumber>& current,
                     const std::vector<deploy::ProcessFacts>& processes) {
    if (!current)
        return "nothing deployed";
    if (app.is_stopped())
        return "stopped";
    if (!deploy::live_generation(app))
        return "files only";
    const auto up = std::count_if(processes.begin(), processes.end(),
                                  [](const auto& process) { return process.state == "up"; });
    if (processes.empty() || up == 0)
        return "down";
    return static_cast<std::size_t>(up) == processes.size() ? "up" : "partly up";
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

int run(Invocation& invocation) {
    const auto app = invocation.app();
    const auto current = app.ledger.current();
    const auto processes = deploy::processes(app);
    const char* state = state_of(app, current, processes);
    const auto holder = sys::Lock::holder(app.layout.lock());
    if (invocation.terminal.wants_json()) {
        Json all = Json::array();
        for (const deploy::ProcessFacts& process : processes)
            all.push_back(process.json());
        invocation.terminal.print_json(
            Json::object({{"app", app.name().text()},
                          {"state", state},
                          {"current", current ? Json(current->text()) : Json()},
                          {"supervised", deploy::is_supervised(app)},
                          {"locked_by", holder ? Json(holder->text(sys::now())) : Json()},
                          {"processes", all}}));
        return 0;
    }
    const bool is_up = std::string_view(state) == "up";
    const bool is_down = std::string_view(state) == "down";
    tell(invocation, "app", app.name().text());
    tell(invocation, "state",
         invocation.terminal.coloured(state, is_up     ? Colour::good
                                             : is_down ? Colour::bad
                                                       : Colour::waiting));
    if (current)
        tell_release(invocation, app, *current);
    if (holder)
        tell(invocation, "locked", "by " + holder->text(sys::now()));
    for (const deploy::ProcessFacts& process : processes)
        tell(invocation, process.name,
             fmt::format("{}{}, {} restarts, {}", process.state,
                         process.since ? " since " + time_text(*process.since) : "",
                         process.restarts, size_text(process.resident)));
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

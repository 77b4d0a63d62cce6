#include "cmd/invocation.hpp"

#include "core/base/text.hpp"
#include "core/release/events.hpp"

#include <csignal>

#include <fmt/core.h>
#include <unistd.h>

namespace shipit::cmd {

namespace {

constexpr unsigned usual_events = 100;

// "rollback v12 by alice from 10.0.0.7: done: Rollback to v9". One line, which drives no terminal,
// wherever it goes: what it tells comes from builds, logins and other programs.
std::string text_of(const release::Event& event) {
    std::string text = event.event;
    if (event.release)
        text += " " + event.release->text();
    if (!event.user.empty())
        text += " by " + event.user;
    if (!event.address.empty())
        text += " from " + event.address;
    for (const std::string& more : {event.result, event.detail})
        if (!more.empty())
            text += ": " + more;
    return printable(text);
}

void print(Invocation& invocation, const std::vector<release::Event>& events) {
    for (const release::Event& event : events)
        invocation.terminal.raw(
            invocation.terminal.wants_json()
                ? json_of(event).dump() + "\n"
                : fmt::format("{} {}\n",
                              invocation.terminal.coloured(time_text(event.at), Colour::faint),
                              text_of(event)));
    invocation.terminal.finish();
}

int run_events(Invocation& invocation) {
    const auto app = invocation.app();
    release::EventReader reader(app.layout.events());
    print(invocation, reader.last(invocation.number("num").value_or(usual_events)));
    if (!invocation.arguments.has("follow"))
        return 0;
    // Ends with the pipe or the terminal, as tail(1) does, not with a message about it.
    (void)std::signal(SIGPIPE, SIG_DFL);
    for (auto events = reader.more(STDOUT_FILENO); !events.empty();
         events = reader.more(STDOUT_FILENO))
        print(invocation, events);
    return 0;
}

} // namespace

extern const Command events_command;
const Command events_command{
    "events",
    "tell who did what, when, from where, and with what result",
    {},
    {{"-f,--follow", "", "go on with what comes, until the app is destroyed"},
     {"-n,--num", "N", "so many of the last events (100)"}},
    {"shipit -a blog events -n 20", "shipit -a blog events -f --json"},
    run_events};

} // namespace shipit::cmd

#include "cmd/invocation.hpp"

#include "core/base/text.hpp"
#include "core/supervise/log_reader.hpp"

#include <csignal>

#include <fmt/core.h>

namespace shipit::cmd {

namespace {

constexpr unsigned usual_records = 100;

Json json_of(const supervise::LogRecord& record) {
    return Json::object({{"at", time_text(record.time)},
                         {"release", record.release ? Json(record.release->text()) : Json()},
                         {"process", record.process},
                         {"text", record.text}});
}

// On a terminal nothing of what an app wrote may drive it; a file or a pipe gets the bytes as
// they came.
void print(Invocation& invocation, const std::vector<supervise::LogRecord>& records) {
    for (const supervise::LogRecord& record : records) {
        if (invocation.terminal.wants_json()) {
            invocation.terminal.raw(json_of(record).dump() + "\n");
            continue;
        }
        const std::string origin =
            fmt::format("{} {} {}", time_text(record.time),
                        record.release ? record.release->text() : "-", record.process);
        const bool shown = invocation.terminal.is_terminal();
        invocation.terminal.raw(fmt::format("{} {}\n",
                                            invocation.terminal.coloured(origin, Colour::faint),
                                            shown ? printable(record.text) : record.text));
    }
    invocation.terminal.finish();
}

std::string nothing_of(const deploy::App& app, const supervise::LogFilter& filter) {
    std::string text = "nothing is in the log of " + app.name().text();
    if (!filter.process.empty())
        text += fmt::format(" by a process '{}'", printable(filter.process));
    if (filter.release)
        text += " by " + filter.release->text();
    return text;
}

int run_logs(Invocation& invocation) {
    const auto app = invocation.app();
    supervise::LogFilter filter;
    filter.process = invocation.arguments.text("process").value_or("");
    filter.release = invocation.release_option(app, "release");
    if (filter.release)
        app.ledger.check_is_there(*filter.release);
    supervise::LogReader reader(app.layout.log() / "app.log", filter);
    const unsigned most = invocation.number("lines").value_or(usual_records);
    const auto last = reader.last(most);
    print(invocation, last);
    if (last.empty() && most != 0 && !invocation.terminal.wants_json())
        invocation.terminal.note(nothing_of(app, filter));
    if (!invocation.arguments.has("follow"))
        return 0;
    // Ends with the pipe or the terminal, as tail(1) does, not with a message about it.
    (void)std::signal(SIGPIPE, SIG_DFL);
    for (;;)
        print(invocation, reader.more(std::chrono::minutes(1)));
}

} // namespace

extern const Command logs_command;
const Command logs_command{
    "logs",
    "show what the processes wrote",
    {},
    {{"-f,--follow", "", "go on with what comes"},
     {"-n,--lines", "N", "so many of the last records (100)"},
     {"-p,--process", "PROCESS", "of this process (web.1) or type (web) only"},
     {"--release", "vN", "of this release only"}},
    {"shipit -a blog logs -f", "shipit -a blog logs -n 500 -p web --release v3"},
    run_logs};

} // namespace shipit::cmd

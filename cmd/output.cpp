#include "cmd/invocation.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/follow.hpp"

#include <csignal>

#include <fmt/core.h>
#include <unistd.h>

namespace shipit::cmd {

namespace {

[[noreturn]] void refuse_without_releases(const deploy::App& app) {
    throw Error(fmt::format("{} has no releases", app.name().text()))
        .advise(fmt::format("shipit -a {} deploy", app.name().text()));
}

ReleaseNumber asked_or_newest(const Invocation& invocation, const deploy::App& app) {
    if (const auto number = invocation.release(app, 0))
        return *number;
    for (const release::Entry& entry : app.ledger.newest(1))
        return entry.number;
    refuse_without_releases(app);
}

int print_whole(Invocation& invocation, const deploy::App& app) {
    const ReleaseNumber number = asked_or_newest(invocation, app);
    (void)app.ledger.load(number); // says so if there is no such release
    constexpr std::uint64_t longest = 1U << 30;
    const auto text = sys::read_file_if_any(app.layout.transcript(number), longest);
    if (!text)
        throw Error(fmt::format("release {} has no output", number.text()));
    if (invocation.terminal.wants_json())
        invocation.terminal.print_json(
            Json::object({{"version", number.text()}, {"output", *text}}));
    else
        invocation.terminal.raw(invocation.terminal.is_terminal() ? printable_lines(*text) : *text);
    return 0;
}

// --- -f ---

void print_line(Invocation& invocation, ReleaseNumber number, std::string_view line) {
    if (invocation.terminal.wants_json()) {
        const auto end = std::min(line.find(' '), line.size());
        const auto text = line.substr(std::min(end + 1, line.size()));
        invocation.terminal.raw(Json::object({{"version", number.text()},
                                              {"at", std::string(line.substr(0, end))},
                                              {"text", std::string(text)}})
                                    .dump() +
                                "\n");
    } else {
        invocation.terminal.raw(
            (invocation.terminal.is_terminal() ? printable(line) : std::string(line)) + "\n");
    }
    invocation.terminal.finish();
}

// What became of a change that told it no more.
int exit_status_of(const deploy::App& app, ReleaseNumber number, deploy::Followed::End end) {
    if (end == deploy::Followed::End::unread)
        return 0;
    const bool is_live = app.ledger.current() == number;
    const bool has_failed = app.ledger.load(number).status == release::Status::failed;
    if (end == deploy::Followed::End::not_told && !has_failed)
        return 0;
    throw Error(fmt::format("the command that worked on {} is gone; {}", number.text(),
                            is_live      ? "it is live all the same"
                            : has_failed ? "it has failed"
                                         : "it is not live"))
        .advise(fmt::format("shipit -a {} status", app.name().text()));
}

int follow(Invocation& invocation, const deploy::App& app) {
    auto number = invocation.release(app, 0);
    if (!number)
        number = deploy::release_to_follow(app, STDOUT_FILENO);
    if (!number)
        refuse_without_releases(app);
    // Ends with the pipe or the terminal, as tail(1) does, not with a message about it.
    (void)std::signal(SIGPIPE, SIG_DFL);
    const auto followed = deploy::follow(app, *number, STDOUT_FILENO, [&](std::string_view line) {
        print_line(invocation, *number, line);
    });
    const bool is_told = followed.end == deploy::Followed::End::told;
    if (invocation.terminal.wants_json()) {
        invocation.terminal.raw(
            Json::object(
                {{"version", number->text()},
                 {"exit_status", is_told ? Json(std::int64_t{followed.exit_status}) : Json()}})
                .dump() +
            "\n");
        invocation.terminal.finish();
    }
    return is_told ? followed.exit_status : exit_status_of(app, *number, followed.end);
}

int run_output(Invocation& invocation) {
    const auto app = invocation.app();
    return invocation.arguments.has("follow") ? follow(invocation, app)
                                              : print_whole(invocation, app);
}

} // namespace

extern const Command output_command;
const Command output_command{
    "output",
    "show what happened while a release was made live",
    {{"vN", Argument::Number::optional}},
    {{"-f,--follow", "", "go on with what comes, to the end; exit as the deploy does"}},
    {"shipit -a blog output v3", "shipit -a blog output -f"},
    run_output};

} // namespace shipit::cmd

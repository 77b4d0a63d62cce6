#include "cmd/changes.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/follow.hpp"
#include "core/deploy/rehearsal.hpp"
#include "core/sys/clock.hpp"

#include <algorithm>
#include <cstdlib>

#include <fmt/core.h>

namespace shipit::cmd {

namespace {

using deploy::Restores;

Restores restores_of(const Arguments& arguments) {
    const bool code_only = arguments.has("code-only");
    const bool config_only = arguments.has("config-only");
    if (code_only && config_only)
        throw Error("'rollback' takes '--code-only' or '--config-only', not both", Outcome::usage)
            .advise("without them, code and config vars come back together");
    if (code_only)
        return Restores::code;
    return config_only ? Restores::config : Restores::all;
}

// Of an automatic one: by the variable, which no other program needs to know; among the arguments,
// which all users can read, a supervisor of an earlier shipit says it.
std::string reason_of(const Arguments& arguments) {
    const char* told = std::getenv(deploy::automatic_why);
    std::string reason = told != nullptr ? told : "";
    (void)::unsetenv(deploy::automatic_why);
    if (const auto word = arguments.text("automatic"); word && !word->empty())
        reason = *word;
    return reason;
}

deploy::RollbackRequest request_of(const Invocation& invocation, const deploy::App& app) {
    const Arguments& arguments = invocation.arguments;
    deploy::RollbackRequest request;
    request.to = invocation.release(app, 0);
    request.restores = restores_of(arguments);
    request.undo = arguments.has("undo");
    if (request.undo && (request.to || request.restores != Restores::all))
        throw Error("'rollback --undo' takes neither a release nor what to bring back",
                    Outcome::usage)
            .advise("it goes to what was live before the newest rollback");
    request.message = arguments.text("message").value_or("");
    request.force = arguments.has("force");
    request.automatic = arguments.has("automatic");
    if (request.automatic)
        request.reason = reason_of(arguments);
    if (const auto failed = arguments.text("failed"))
        request.failed = Invocation::release_number(*failed);
    request.unless_good = arguments.has("unless-good");
    request.tells_all = invocation.terminal.wants_json();
    return request;
}

// --- Where it is not obvious what to go back to, and somebody is there to ask ---

std::string line_of(const deploy::App& app, ReleaseNumber number, const std::string& why) {
    const auto manifest = app.ledger.load(number);
    return fmt::format("  {:<5} {}, {}: {}", number.text(), printable(manifest.description),
                       time_ago(manifest.created_at, sys::now()), printable(why));
}

std::vector<ReleaseNumber> offer(Invocation& invocation, const deploy::App& app, Restores what) {
    constexpr std::size_t most = 10;
    constexpr std::size_t newest = 100;
    const auto live = app.ledger.current();
    const auto facts = app.ledger.facts(app.marks, newest);
    std::vector<ReleaseNumber> releases;
    for (auto fact = facts.rbegin(); fact != facts.rend() && releases.size() < most; ++fact) {
        const auto eligible = release::eligibility(facts, fact->number, live, what);
        if (!eligible.possible || fact->is_stored()) // which would be no way back
            continue;
        invocation.terminal.note(line_of(app, fact->number, eligible.why));
        releases.push_back(fact->number);
    }
    return releases;
}

// Nothing: it is obvious, or there is nothing to choose from, as the rollback will say.
std::optional<ReleaseNumber> ask_which(Invocation& invocation, const deploy::App& app,
                                       Restores what) {
    const auto choice = release::choose_rollback(app.ledger, app.marks, what, 0);
    if (choice.target && choice.note.empty())
        return std::nullopt;
    invocation.terminal.note(
        "No release before the live one is plainly the one to go back to. There are:");
    const auto releases = offer(invocation, app, what);
    if (releases.empty())
        return std::nullopt;
    const std::string answer = invocation.terminal.ask("Which one (Enter: none)? ");
    const auto number = ReleaseNumber::parse(answer);
    if (number && std::find(releases.begin(), releases.end(), *number) != releases.end())
        return number;
    throw Error(answer.empty()
                    ? "none was chosen; nothing was changed"
                    : fmt::format("'{}' is none of these; nothing was changed", printable(answer)));
}

// --- What it passed over ---

void tell_skipped(Terminal& terminal, const std::vector<std::string>& skipped) {
    for (std::size_t i = 0; i < std::min(skipped.size(), few_to_read); ++i)
        terminal.note(fmt::format("skipped: {}", skipped[i]));
    if (skipped.size() > few_to_read)
        terminal.note(fmt::format("skipped: and {} more; all of them with --json",
                                  skipped.size() - few_to_read));
}

// --- --check ---

Json rehearsal_json(const deploy::App& app, const deploy::Rehearsal& rehearsal) {
    Json findings = Json::array();
    for (const deploy::Rehearsal::Finding& finding : rehearsal.findings)
        findings.push_back(Json::object({{"ok", finding.is_well}, {"what", finding.what}}));
    return Json::object(
        {{"app", app.name().text()},
         {"rolled_back_to", rehearsal.target.text()},
         {"ready", rehearsal.is_ready()},
         {"outcome", name_of(rehearsal.outcome)},
         {"findings", findings},
         {"skipped", Json::array_of(rehearsal.skipped)},
         {"estimated_ms",
          rehearsal.estimate ? Json(std::int64_t{rehearsal.estimate->count()}) : Json()}});
}

int check(Invocation& invocation, deploy::App& app, const deploy::RollbackRequest& request) {
    const deploy::Rehearsal rehearsal = deploy::rehearse_rollback(app, request);
    if (invocation.terminal.wants_json()) {
        invocation.terminal.print_json(rehearsal_json(app, rehearsal));
        return static_cast<int>(rehearsal.outcome);
    }
    tell_skipped(invocation.terminal, rehearsal.skipped);
    for (const deploy::Rehearsal::Finding& finding : rehearsal.findings)
        invocation.terminal.print(
            fmt::format("{:<8}{}", finding.is_well ? "ok" : "PROBLEM", finding.what));
    const bool has_command =
        request.restores != Restores::config &&
        !app.ledger.load(rehearsal.target).spec.release_command.command.empty();
    const std::string time =
        rehearsal.estimate ? fmt::format(", in about {}{}", duration_text(*rehearsal.estimate),
                                         has_command ? " and its release command" : "")
                           : std::string();
    invocation.terminal.print(
        fmt::format("{} is {}ready to be rolled back to{}", rehearsal.target.text(),
                    rehearsal.is_ready() ? "" : "not ", rehearsal.is_ready() ? time : ""));
    return static_cast<int>(rehearsal.outcome);
}

// Waits for the end of the command that made the failed release live, and tells whether it has gone
// back by itself, or has found that it cannot.
bool has_seen_to(const deploy::App& app, const deploy::RollbackRequest& request) {
    if (!request.failed)
        return false;
    constexpr int whoever_reads = -1;
    const auto followed =
        deploy::follow(app, *request.failed, whoever_reads, [](std::string_view) {});
    const auto ended_with = [&followed](Outcome outcome) {
        return followed.exit_status == static_cast<int>(outcome);
    };
    return followed.end == deploy::Followed::End::told &&
           (ended_with(Outcome::rolled_back) || ended_with(Outcome::down));
}

int run_rollback(Invocation& invocation) {
    auto app = invocation.app();
    deploy::RollbackRequest request = request_of(invocation, app);
    if (invocation.arguments.has("check")) {
        request.options.lock_patience = invocation.patience();
        return check(invocation, app, request);
    }
    if (request.automatic) // whoever started the supervisor, back then, has not asked for it
        app.host.origin = {"shipit", ""};
    if (invocation.arguments.has("after-deploy") && has_seen_to(app, request))
        return 0;
    if (!request.to && !request.undo && !request.automatic && invocation.terminal.can_ask())
        request.to = ask_which(invocation, app, request.restores);
    request.options = change_options(invocation);
    const deploy::RolledBack done = deploy::rollback(app, request);
    tell_skipped(invocation.terminal, done.skipped);
    if (invocation.terminal.wants_json()) {
        invocation.terminal.print_json(cmd::json_of(done.changed)
                                           .set("app", app.name().text())
                                           .set("rolled_back_to", done.target.text())
                                           .set("skipped", Json::array_of(done.skipped)));
        return 0;
    }
    if (!done.changed.release) {
        invocation.terminal.print(
            request.restores == Restores::config
                ? fmt::format("The config vars of {} are live already", done.target.text())
                : fmt::format("{} is live already", done.target.text()));
        return 0;
    }
    invocation.terminal.print(
        fmt::format("Rolled back {}{} to {} as {}",
                    request.restores == Restores::config ? "the config vars of " : "",
                    app.name().text(), done.target.text(), done.changed.release->text()));
    tell_end(invocation, app, done.changed);
    return 0;
}

} // namespace

extern const Command rollback_command;
const Command rollback_command{
    "rollback",
    "take an earlier release live again: code and config vars",
    {{"RELEASE", Argument::Number::optional}},
    {{"--check", "", "rehearse it: is all there, how long would it take"},
     {"--undo", "", "forward again: to what was live before the newest rollback"},
     {"--code-only", "", "leave config vars as they are"},
     {"--config-only", "", "bring back its config vars, leave the code as it is"},
     {"-m,--message", "TEXT", "why"},
     {"--force", "", "also to before a release that cannot be undone, and while held"},
     {"--automatic", "[WHY]", "used by the supervisor when a new release fails"},
     {"--failed", "vN", "with --automatic: do nothing unless this release is live"},
     {"--after-deploy", "", "with --failed: nor if its deploy has gone back by itself"},
     {"--unless-good", "", "with --failed: nor if it has become good"},
     no_wait_option,
     wait_option},
    {"shipit -a blog rollback", "shipit -a blog rollback v3 -m 'orders are lost'",
     "shipit -a blog rollback --check", "shipit -a blog rollback --undo"},
    run_rollback};

} // namespace shipit::cmd

// why: whether a release can be rolled back to, in plain words, and what speaks for and against it.
#include "cmd/evidence.hpp"
#include "cmd/invocation.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/bless.hpp"
#include "core/deploy/evidence.hpp"
#include "core/sys/clock.hpp"

#include <algorithm>
#include <span>

#include <fmt/core.h>

namespace shipit::cmd {

namespace {

using release::MarkKind;

std::string by(const release::Mark& mark) {
    return fmt::format("{} (by {}, {})", printable(mark.why), printable(mark.who),
                       time_text(mark.at));
}

std::string with_age(WallTime time) {
    return fmt::format("{} ({})", time_text(time), time_ago(time, sys::now()));
}

// What people and shipit have said of it.
void add_marks(const deploy::App& app, const release::Manifest& manifest, EvidenceLines& lines) {
    const ReleaseNumber number = manifest.number;
    lines.emplace_back("Evidence", mark_text(app, number));
    if (const auto mark = app.marks.get(MarkKind::barrier, number))
        lines.emplace_back("Irreversible", by(*mark));
    if (const auto mark = app.marks.get(MarkKind::pin, number))
        lines.emplace_back("Pinned", by(*mark));
    if (manifest.slug)
        if (const auto mark = app.marks.hold_on(manifest.slug->id))
            lines.emplace_back("Build held", by(*mark));
}

void add_conduct(const release::Conduct& conduct, EvidenceLines& lines) {
    if (conduct.exits > 0) {
        const auto& exit = conduct.newest_exits.back();
        lines.emplace_back("Exits", fmt::format("{}, the last: {} {}, {}", conduct.exits,
                                                printable(exit.process), printable(exit.how),
                                                with_age(exit.at)));
    }
    if (conduct.failed_checks > 0)
        lines.emplace_back("Failed checks",
                           fmt::format("{} in its watch, the last: {}", conduct.failed_checks,
                                       printable(conduct.last_check)));
    if (conduct.peak_memory > 0)
        lines.emplace_back("Peak memory", size_text(conduct.peak_memory));
}

// "v3 can be rolled back to, but it is marked bad: 500s"
std::string verdict(const std::string& release, const release::Eligibility& eligible) {
    const std::string why = (eligible.why.starts_with("its ") ? "" : "it ") + eligible.why;
    if (!eligible.possible)
        return fmt::format("{} cannot be rolled back to: {}", release, printable(why));
    return fmt::format("{} can be rolled back to{}{}", release,
                       eligible.advisable ? ": " : ", but ", printable(why));
}

void tell_fact(Invocation& invocation, const std::string& what, const std::string& how) {
    invocation.terminal.print(fmt::format("  {:<20}{}", what + ":", how));
}

// Where `rollback` would go from the live release, and past what.
void tell_way_back(Invocation& invocation, const release::Choice& choice) {
    const std::size_t shown = std::min(choice.skipped.size(), few_to_read);
    tell_fact(invocation, "Rollback goes to",
              (choice.target ? choice.target->text() : "nowhere") +
                  (choice.note.empty() ? "" : ": " + choice.note));
    for (const release::Skipped& skipped : std::span(choice.skipped).first(shown))
        tell_fact(invocation, "Skipped",
                  fmt::format("{} {}", skipped.number.text(), printable(skipped.why)));
    if (shown < choice.skipped.size())
        tell_fact(invocation, "Skipped", fmt::format("and {} more", choice.skipped.size() - shown));
}

void tell_last_lines(Invocation& invocation, const std::string& lines) {
    if (lines.empty())
        return;
    invocation.terminal.print("  Last lines before it failed or a process ended:");
    for (const std::string_view line : split(trimmed(lines), '\n'))
        invocation.terminal.print(fmt::format("    {}", printable(line)));
}

int run_why(Invocation& invocation) {
    const auto app = invocation.app();
    const auto asked = invocation.release(app, 0);
    const auto live = app.ledger.current();
    const ReleaseNumber number = asked ? *asked : app.live();
    const auto manifest = app.ledger.load(number);
    const auto eligible = app.ledger.eligibility(app.marks, number);
    const auto choice =
        number == live ? release::choose_rollback(
                             app.ledger, app.marks, release::Restores::all,
                             invocation.terminal.wants_json() ? release::Ledger::all : few_to_read)
                       : release::Choice();
    if (invocation.terminal.wants_json()) {
        Json skipped = Json::array();
        for (const release::Skipped& each : choice.skipped)
            skipped.push_back(fmt::format("{} {}", each.number.text(), each.why));
        invocation.terminal.print_json(Json::object(
            {{"version", number.text()},
             {"live", number == live},
             {"eligible_for_rollback", eligible.possible},
             {"advisable", eligible.advisable},
             {"why", eligible.why},
             {"rollback_goes_to", choice.target ? Json(choice.target->text()) : Json()},
             {"skipped", skipped},
             {"evidence", evidence_json(app, manifest)}}));
        return 0;
    }
    invocation.terminal.print(number == live ? number.text() + " is live"
                                             : verdict(number.text(), eligible));
    if (number == live)
        tell_way_back(invocation, choice);
    for (const auto& [what, how] : evidence_lines(app, manifest))
        tell_fact(invocation, what, how);
    tell_last_lines(invocation, deploy::conduct_of(app, number).last_lines);
    return 0;
}

} // namespace

std::string mark_text(const deploy::App& app, ReleaseNumber number) {
    if (const auto bad = app.marks.get(MarkKind::bad, number))
        return "bad: " + by(*bad);
    if (const auto good = app.marks.get(MarkKind::good, number))
        return fmt::format("good since {}: {}", time_text(good->at), printable(good->why));
    if (const auto end = deploy::trial_end(app, number))
        return fmt::format("on trial until {}", time_text(*end));
    return "not proven";
}

EvidenceLines evidence_lines(const deploy::App& app, const release::Manifest& manifest) {
    EvidenceLines lines;
    const release::Evidence& evidence = manifest.evidence;
    if (manifest.is_stored())
        lines.emplace_back("Live", fmt::format("never; to take it live: shipit -a {} activate {}",
                                               app.name().text(), manifest.number.text()));
    if (evidence.live_at)
        lines.emplace_back("Live from", with_age(*evidence.live_at));
    if (evidence.live_at && evidence.ended_at)
        lines.emplace_back("Live until", with_age(*evidence.ended_at));
    if (!evidence.why_failed.empty())
        lines.emplace_back("Why it failed", printable(evidence.why_failed));
    add_marks(app, manifest, lines);
    if (evidence.healthy_after)
        lines.emplace_back("Healthy after", duration_text(*evidence.healthy_after));
    add_conduct(deploy::conduct_of(app, manifest.number), lines);
    return lines;
}

Json evidence_json(const deploy::App& app, const release::Manifest& manifest) {
    Json json = json_of(deploy::conduct_of(app, manifest.number));
    const auto& healthy = manifest.evidence.healthy_after;
    json.set("healthy_after_ms", healthy ? Json(std::int64_t{healthy->count()}) : Json());
    for (const MarkKind kind : release::mark_kinds)
        if (const auto mark = app.marks.get(kind, manifest.number))
            json.set(name_of(kind),
                     Json::object(
                         {{"who", mark->who}, {"at", time_text(mark->at)}, {"why", mark->why}}));
    return json;
}

extern const Command why_command;
const Command why_command{
    "why",
    "tell whether a release can be rolled back to, and what speaks against it",
    {{"RELEASE", Argument::Number::optional}},
    {},
    {"shipit -a blog why v3"},
    run_why};

} // namespace shipit::cmd

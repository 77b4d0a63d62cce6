// releases, info: looking at the ledger, in Heroku's words and shapes.
#include "cmd/evidence.hpp"
#include "cmd/invocation.hpp"
#include "cmd/process_type.hpp"
#include "cmd/release_graph.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/bless.hpp"
#include "core/release/choice.hpp"
#include "core/release/descent.hpp"
#include "core/slug/store.hpp"
#include "core/sys/clock.hpp"

#include <fmt/core.h>

namespace shipit::cmd {

namespace {

using release::Manifest;
using release::Status;

constexpr unsigned usual_releases = 15;

// Heroku's words for a status, as they stand behind the description.
const char* status_words(const Manifest& manifest) {
    switch (manifest.status) {
    case Status::pending:
        return " (pending)";
    case Status::failed:
        return " (failed)";
    case Status::expired:
        return " (release expired)";
    case Status::succeeded:
        return manifest.is_stored() ? " (never live)" : "";
    }
    return "";
}

const char* words_of(release::MarkKind kind) {
    switch (kind) {
    case release::MarkKind::pin:
        return "pinned";
    case release::MarkKind::barrier:
        return "irreversible";
    case release::MarkKind::good:
    case release::MarkKind::bad:
        break;
    }
    return name_of(kind);
}

Colour colour_of(const Manifest& manifest, bool is_bad) {
    if (manifest.status == Status::failed || is_bad)
        return Colour::bad;
    if (manifest.status == Status::pending)
        return Colour::waiting;
    return manifest.status == Status::expired || manifest.is_stored() ? Colour::faint
                                                                      : Colour::plain;
}

Json json_of(const std::optional<WallTime>& time) {
    return time ? Json(time_text(*time)) : Json();
}

// The facts of one release, as `releases` lists them and `info` tells them. Config vars by name
// only.
Json json_of(const deploy::App& app, const Manifest& manifest,
             const std::optional<ReleaseNumber>& current, const release::Eligibility& eligible) {
    Json json = Json::object({{"version", manifest.number.text()},
                              {"description", manifest.description},
                              {"status", name_of(manifest.status)},
                              {"current", manifest.number == current},
                              {"eligible_for_rollback", eligible.possible},
                              {"why", eligible.why}});
    json.set("good", app.marks.get(release::MarkKind::good, manifest.number).has_value());
    json.set("bad", app.marks.get(release::MarkKind::bad, manifest.number).has_value());
    json.set("irreversible", app.marks.has(release::MarkKind::barrier, manifest.number));
    json.set("user", manifest.created_by).set("address", manifest.client_address);
    json.set("created_at", time_text(manifest.created_at));
    json.set("live_at", json_of(manifest.evidence.live_at));
    json.set("ended_at", json_of(manifest.evidence.ended_at));
    json.set("stored", manifest.is_stored());
    json.set("rollback_of", manifest.rollback_of ? Json(manifest.rollback_of->text()) : Json());
    json.set("activation_of",
             manifest.activation_of ? Json(manifest.activation_of->text()) : Json());
    if (const auto end = deploy::trial_end(app, manifest.number))
        json.set("trial_ends", time_text(*end));
    if (!manifest.evidence.why_failed.empty())
        json.set("why_failed", manifest.evidence.why_failed);
    json.set("evidence", evidence_json(app, manifest));
    if (manifest.slug)
        json.set("slug", Json::object({{"id", manifest.slug->id.text()},
                                       {"size", manifest.slug->size},
                                       {"unpacked", manifest.slug->unpacked},
                                       {"files", manifest.slug->files},
                                       {"sha256", manifest.slug->sha256}}));
    if (manifest.source)
        json.set("source", json_of(*manifest.source));
    Json processes = Json::object();
    Json types = Json::object();
    for (const ProcessType& type : manifest.spec.processes) {
        processes.set(type.name, type.command);
        types.set(type.name, cmd::json_of(type));
    }
    Json names = Json::array();
    for (const auto& [name, value] : manifest.config)
        names.push_back(name);
    return json.set("processes", processes).set("process_types", types).set("config", names);
}

std::string when(const Invocation& invocation, WallTime time) {
    const std::string ago = time_ago(time, sys::now());
    return invocation.terminal.is_terminal() ? fmt::format("{} (~ {})", time_text(time), ago)
                                             : time_text(time);
}

Terminal::Row row_of(const Invocation& invocation, const deploy::App& app, const Manifest& manifest,
                     const std::optional<ReleaseNumber>& current) {
    std::vector<std::string> marks;
    for (const release::MarkKind kind : release::mark_kinds)
        if (app.marks.has(kind, manifest.number))
            marks.emplace_back(words_of(kind));
    const bool is_bad = app.marks.has(release::MarkKind::bad, manifest.number);
    return {{manifest.number == current ? "*" : " ", manifest.number.text(),
             printable(manifest.description) + status_words(manifest), joined(marks, ", "),
             printable(manifest.created_by), when(invocation, manifest.created_at)},
            manifest.number == current ? Colour::good : colour_of(manifest, is_bad)};
}

Json json_of(const deploy::App& app, const std::vector<release::Entry>& entries,
             const std::optional<ReleaseNumber>& current) {
    const auto facts = app.ledger.facts(app.marks, entries);
    const auto descent = release::descent_of(entries, app.ledger);
    const auto text_of = [](const auto& number) { return number ? Json(number->text()) : Json(); };
    Json all = Json::array();
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const release::Entry& entry = entries[i];
        Json json = Json::object({{"version", entry.number.text()},
                                  {"current", entry.number == current},
                                  {"error", entry.complaint}});
        if (entry.manifest) {
            json = json_of(app, *entry.manifest, current,
                           release::eligibility(facts, entry.number, current));
            json.set("came_from", text_of(descent[i].from));
            json.set("rolled_back_by", text_of(descent[i].left_by));
        }
        all.push_back(json);
    }
    return all;
}

std::vector<Terminal::Row> rows_of(const Invocation& invocation, const deploy::App& app,
                                   const std::vector<release::Entry>& entries,
                                   const std::optional<ReleaseNumber>& current) {
    std::vector<Terminal::Row> rows;
    for (const release::Entry& entry : entries)
        rows.push_back(entry.manifest ? row_of(invocation, app, *entry.manifest, current)
                                      : Terminal::Row{{entry.number == current ? "*" : " ",
                                                       entry.number.text(), entry.complaint},
                                                      Colour::bad});
    return rows;
}

Node node_of(const deploy::App& app, const release::Entry& entry, const release::Descent& descent,
             const std::optional<ReleaseNumber>& current) {
    Node node{entry.number, descent.from, Node::Kind::was_live};
    if (entry.number == current)
        node.kind = Node::Kind::live;
    else if (!entry.manifest || entry.manifest->status == Status::failed ||
             app.marks.has(release::MarkKind::bad, entry.number))
        node.kind = Node::Kind::failed;
    else if (entry.manifest->status == Status::pending)
        node.kind = Node::Kind::pending;
    else if (entry.manifest->is_stored())
        node.kind = Node::Kind::stored;
    return node;
}

// Draws in the place of the column that only marks the live one, and says what left a release.
void add_graph(std::vector<Terminal::Row>& rows, const deploy::App& app,
               const std::vector<release::Entry>& entries,
               const std::optional<ReleaseNumber>& current) {
    const auto descent = release::descent_of(entries, app.ledger);
    std::vector<Node> nodes;
    for (std::size_t i = 0; i < entries.size(); ++i)
        nodes.push_back(node_of(app, entries[i], descent[i], current));
    const auto lines = drawn(nodes, is_utf8_locale() ? Strokes::unicode : Strokes::ascii);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        rows[i].cells.front() = lines[i];
        if (descent[i].left_by && entries[i].manifest)
            rows[i].cells[3] +=
                fmt::format("{}rolled back by {}", rows[i].cells[3].empty() ? "" : ", ",
                            descent[i].left_by->text());
    }
    if (lines.size() > rows.size())
        rows.push_back({{lines.back()}, Colour::faint});
}

int releases(Invocation& invocation) {
    const auto app = invocation.app();
    const auto current = app.ledger.current();
    const unsigned most = invocation.number("num").value_or(usual_releases);
    const auto entries = app.ledger.newest(most);
    if (invocation.terminal.wants_json()) {
        invocation.terminal.print_json(json_of(app, entries, current));
        return 0;
    }
    if (entries.empty()) {
        if (most != 0)
            invocation.terminal.note(fmt::format("{} has no releases.", app.name().text()));
        return 0;
    }
    invocation.terminal.print(fmt::format("=== {} Releases{}", app.name().text(),
                                          current ? " - Current: " + current->text() : ""));
    auto rows = rows_of(invocation, app, entries, current);
    if (invocation.arguments.has("graph"))
        add_graph(rows, app, entries, current);
    invocation.terminal.table(rows, 2);
    return 0;
}

void fact(Invocation& invocation, std::string_view name, const std::string& value) {
    if (!value.empty())
        invocation.terminal.print(fmt::format("{:<24}{}", fmt::format("{}:", name), value));
}

std::string source_text(const std::optional<release::Source>& source) {
    if (!source)
        return {};
    return fmt::format("{}{}{} {}", source->commit.substr(0, 12), source->dirty ? " (dirty)" : "",
                       source->branch.empty() ? "" : " on " + printable(source->branch),
                       printable(source->subject));
}

void tell_facts(Invocation& invocation, const deploy::App& app, const Manifest& manifest,
                const release::Eligibility& eligible) {
    const std::string by =
        manifest.client_address.empty()
            ? manifest.created_by
            : fmt::format("{} (from {})", manifest.created_by, manifest.client_address);
    fact(invocation, "By", printable(by));
    fact(invocation, "Change", printable(manifest.description) + status_words(manifest));
    fact(invocation, "Eligible for Rollback?",
         fmt::format("{}{}", eligible.possible ? "Yes" : "No",
                     eligible.advisable || eligible.why.empty() ? "" : " (" + eligible.why + ")"));
    fact(invocation, "When", time_text(manifest.created_at));
    for (const auto& [what, how] : evidence_lines(app, manifest))
        fact(invocation, what, how);
    fact(invocation, "Source", source_text(manifest.source));
    if (manifest.slug)
        fact(invocation, "Slug",
             fmt::format("{} ({}, {}, {} unpacked)", manifest.slug->id.text(),
                         size_text(manifest.slug->size), counted(manifest.slug->files, "file"),
                         size_text(manifest.slug->unpacked)));
    for (const ProcessType& type : manifest.spec.processes)
        fact(invocation, fmt::format("Process {}", type.name), process_text(type));
    fact(invocation, "Release command", printable(manifest.spec.release_command.command));
}

void print_json_of(Invocation& invocation, const deploy::App& app, const Manifest& manifest,
                   const release::Eligibility& eligible) {
    Json json = json_of(app, manifest, app.ledger.current(), eligible);
    if (invocation.arguments.has("reveal")) {
        Json values = Json::object();
        for (const auto& [name, value] : manifest.config)
            values.set(name, value);
        json.set("config", values);
    }
    invocation.terminal.print_json(json);
}

void tell_config(Invocation& invocation, const Manifest& manifest) {
    if (manifest.config.empty())
        return;
    const bool reveal = invocation.arguments.has("reveal");
    invocation.terminal.print(fmt::format("\n=== {} Config vars\n", manifest.number.text()));
    for (const auto& [name, value] : manifest.config)
        invocation.terminal.print(reveal ? fmt::format("{}: {}", name, printable(value)) : name);
    if (!reveal)
        invocation.terminal.note("(values with --reveal)");
}

int info(Invocation& invocation) {
    const bool wants_shell_lines = invocation.wants_shell_lines();
    const auto app = invocation.app();
    const auto current = app.ledger.current();
    const auto asked = invocation.release(app, 0);
    const Manifest manifest = app.ledger.load(asked ? *asked : app.live());
    if (wants_shell_lines) {
        std::string text;
        for (const auto& [name, value] : manifest.config)
            text += fmt::format("{}={}\n", name, shell_quoted(value));
        invocation.terminal.raw(invocation.terminal.is_terminal() ? printable_lines(text) : text);
        return 0;
    }
    const auto eligible = app.ledger.eligibility(app.marks, manifest.number);
    if (invocation.terminal.wants_json()) {
        print_json_of(invocation, app, manifest, eligible);
        return 0;
    }
    invocation.terminal.print(fmt::format("=== Release {}{}", manifest.number.text(),
                                          manifest.number == current ? " (current)" : ""));
    tell_facts(invocation, app, manifest, eligible);
    tell_config(invocation, manifest);
    return 0;
}

} // namespace

extern const Command releases_command, info_command;

const Command releases_command{"releases",
                               "list the releases, newest first",
                               {},
                               {{"-n,--num", "N", "so many (15)"},
                                {"--graph", "", "draw which came from which, and what was left"}},
                               {"shipit -a blog releases -n 50", "shipit -a blog releases --graph",
                                "shipit -a blog releases --json"},
                               releases};

const Command info_command{
    "info",
    "tell all about a release: who, when, what, and whether it can be rolled back to",
    {{"vN", Argument::Number::optional}},
    {{"--reveal", "", "show the values of config vars too"},
     {"-s,--shell", "", "config vars as NAME=VALUE lines for a shell"}},
    {"shipit -a blog info v3"},
    info};

} // namespace shipit::cmd

// diff: what is different between two releases.
#include "cmd/invocation.hpp"
#include "cmd/process_type.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/compare.hpp"

#include <array>

#include <fmt/core.h>

namespace shipit::cmd {

namespace {

using deploy::Comparison;
using deploy::Fate;
using slug::Change;

constexpr std::array kinds{Change::Kind::added, Change::Kind::changed, Change::Kind::removed,
                           Change::Kind::mode};

// --- JSON ---

Json json_of(const release::Manifest& manifest) {
    Json json = Json::object({{"version", manifest.number.text()},
                              {"slug", manifest.slug ? Json(manifest.slug->id.text()) : Json()}});
    Json source;
    if (manifest.source)
        source = json_of(*manifest.source);
    return json.set("source", source);
}

std::string mode_text(unsigned mode) {
    return fmt::format("{:04o}", mode);
}

Json json_of(const Change& change) {
    const bool is_new = change.kind == Change::Kind::added;
    const bool is_gone = change.kind == Change::Kind::removed;
    return Json::object({{"path", change.path},
                         {"change", name_of(change.kind)},
                         {"size_before", is_new ? Json() : Json(change.size_before)},
                         {"size_after", is_gone ? Json() : Json(change.size_after)},
                         {"mode_before", is_new ? Json() : Json(mode_text(change.mode_before))},
                         {"mode_after", is_gone ? Json() : Json(mode_text(change.mode_after))}});
}

Json totals_of(const std::vector<Change>& changes) {
    Json json = Json::object();
    for (const Change::Kind kind : kinds) {
        const auto total = deploy::total_of(changes, kind);
        json.set(name_of(kind), Json::object({{"files", total.files},
                                              {"bytes_before", total.bytes_before},
                                              {"bytes_after", total.bytes_after}}));
    }
    return json;
}

Json json_of(const std::optional<ProcessType>& type) {
    return type ? cmd::json_of(*type) : Json();
}

Json json_of(const deploy::App& app, const Comparison& comparison, bool with_files) {
    Json json = Json::object({{"app", app.name().text()},
                              {"before", json_of(comparison.before)},
                              {"after", json_of(comparison.after)}});
    json.set("totals", comparison.files ? totals_of(*comparison.files) : Json());
    if (!comparison.files)
        json.set("why_no_files", comparison.why_no_files);
    if (with_files) {
        Json files;
        if (comparison.files)
            files = Json::array();
        for (const Change& change : comparison.files.value_or(std::vector<Change>{}))
            files.push_back(json_of(change));
        json.set("files", files);
    }
    Json config = Json::array();
    for (const deploy::VarChange& change : comparison.config)
        config.push_back(Json::object({{"name", change.name}, {"change", name_of(change.fate)}}));
    Json processes = Json::array();
    for (const deploy::ProcessChange& change : comparison.processes)
        processes.push_back(Json::object({{"name", change.name},
                                          {"change", name_of(change.fate())},
                                          {"before", json_of(change.before)},
                                          {"after", json_of(change.after)}}));
    return json.set("config", config).set("processes", processes);
}

// --- Text ---

const char* sign_of(Fate fate) {
    switch (fate) {
    case Fate::added:
        return "+";
    case Fate::removed:
        return "-";
    case Fate::changed:
        break;
    }
    return "~";
}

Terminal::Row row_of(const Change& change) {
    const auto path = printable(change.path);
    switch (change.kind) {
    case Change::Kind::added:
        return {{"+", path, size_text(change.size_after)}, Colour::good};
    case Change::Kind::removed:
        return {{"-", path, size_text(change.size_before)}, Colour::bad};
    case Change::Kind::mode:
        return {{"m", path, mode_text(change.mode_before) + " -> " + mode_text(change.mode_after)},
                Colour::waiting};
    case Change::Kind::changed:
        break;
    }
    auto sizes = size_text(change.size_before);
    if (change.size_after != change.size_before)
        sizes += " -> " + size_text(change.size_after);
    if (change.mode_after != change.mode_before)
        sizes +=
            fmt::format(", {} -> {}", mode_text(change.mode_before), mode_text(change.mode_after));
    return {{"~", path, sizes}, Colour::waiting};
}

std::string growth_text(std::uint64_t before, std::uint64_t after) {
    if (after >= before)
        return "+" + size_text(after - before);
    return "-" + size_text(before - after);
}

std::string totals_text(const std::vector<Change>& changes) {
    if (changes.empty())
        return "the same";
    std::vector<std::string> parts;
    std::uint64_t before = 0;
    std::uint64_t after = 0;
    for (const Change::Kind kind : kinds) {
        const auto total = deploy::total_of(changes, kind);
        before += total.bytes_before;
        after += total.bytes_after;
        if (total.files > 0)
            parts.push_back(
                fmt::format("{} {}", total.files,
                            kind == Change::Kind::mode ? "with another mode" : name_of(kind)));
    }
    return fmt::format("{} ({})", joined(parts, ", "), growth_text(before, after));
}

std::string source_text(const std::optional<release::Source>& source) {
    if (!source)
        return "unknown";
    return fmt::format("{}{} {}", source->commit.substr(0, 12), source->dirty ? " (dirty)" : "",
                       printable(source->subject));
}

void tell_files(Invocation& invocation, const Comparison& comparison) {
    Terminal& terminal = invocation.terminal;
    if (!comparison.files) {
        terminal.print("files:      not known: " + comparison.why_no_files);
        return;
    }
    terminal.print("files:      " + totals_text(*comparison.files));
    if (invocation.arguments.has("stat") || comparison.files->empty())
        return;
    std::vector<Terminal::Row> rows;
    for (const Change& change : *comparison.files)
        rows.push_back(row_of(change));
    terminal.table(rows, 1);
}

void tell(Invocation& invocation, const deploy::App& app, const Comparison& comparison) {
    Terminal& terminal = invocation.terminal;
    terminal.print(fmt::format("=== {} {} -> {}", app.name().text(),
                               comparison.before.number.text(), comparison.after.number.text()));
    if (!comparison.same_source())
        terminal.print(fmt::format("source:     {} -> {}", source_text(comparison.before.source),
                                   source_text(comparison.after.source)));
    tell_files(invocation, comparison);
    for (const deploy::VarChange& change : comparison.config)
        terminal.print(fmt::format("config var: {} {}", sign_of(change.fate), change.name));
    for (const deploy::ProcessChange& change : comparison.processes) {
        terminal.print(fmt::format("process:    {} {}", sign_of(change.fate()), change.name));
        if (change.before)
            terminal.print("            - " + process_text(*change.before));
        if (change.after)
            terminal.print("            + " + process_text(*change.after));
    }
}

void tell_names(Invocation& invocation, const Comparison& comparison) {
    if (!comparison.files)
        throw Error(comparison.why_no_files);
    for (const Change& change : *comparison.files)
        invocation.terminal.print(printable(change.path));
}

int diff(Invocation& invocation) {
    const bool names_only = invocation.arguments.has("name-only");
    const bool stat = invocation.arguments.has("stat");
    if (names_only && stat)
        throw Error("'diff' takes '--stat' or '--name-only', not both", Outcome::usage);
    const auto app = invocation.app();
    const auto pair =
        deploy::releases_to_compare(app, invocation.release(app, 0), invocation.release(app, 1));
    const Comparison comparison = deploy::compare(app, pair);
    if (invocation.terminal.wants_json())
        invocation.terminal.print_json(json_of(app, comparison, !stat));
    else if (names_only)
        tell_names(invocation, comparison);
    else
        tell(invocation, app, comparison);
    return 0;
}

} // namespace

extern const Command diff_command;

const Command diff_command{"diff",
                           "tell what changed from one release to another",
                           {{"vA", Argument::Number::optional}, {"vB", Argument::Number::optional}},
                           {{"--stat", "", "how many files, not which"},
                            {"--name-only", "", "the paths of the files only"}},
                           {"shipit -a blog diff", "shipit -a blog diff v3 v7 --stat"},
                           diff};

} // namespace shipit::cmd

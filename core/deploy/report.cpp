#include "core/deploy/report.hpp"

#include "core/base/error.hpp"
#include "core/deploy/compare.hpp"
#include "core/deploy/status.hpp"
#include "core/release/conduct.hpp"
#include "core/release/descent.hpp"

#include <filesystem>

#include <fmt/core.h>

namespace shipit::deploy {

namespace {

constexpr std::size_t most_files = 50; // of a difference that are named

page::FileChange::Kind kind_of(slug::Change::Kind kind) {
    switch (kind) {
    case slug::Change::Kind::added:
        return page::FileChange::Kind::added;
    case slug::Change::Kind::removed:
        return page::FileChange::Kind::removed;
    case slug::Change::Kind::mode:
        return page::FileChange::Kind::mode;
    case slug::Change::Kind::changed:
        break;
    }
    return page::FileChange::Kind::changed;
}

void add_files(const std::vector<slug::Change>& changes, page::Difference& difference) {
    using Kind = slug::Change::Kind;
    difference.added = total_of(changes, Kind::added).files;
    difference.removed = total_of(changes, Kind::removed).files;
    difference.changed = changes.size() - difference.added - difference.removed;
    for (const slug::Change& change : changes) {
        if (difference.files.size() == most_files)
            return;
        difference.files.push_back(
            {kind_of(change.kind), change.path, change.size_before, change.size_after});
    }
}

page::Difference difference_of(const App& app, const ReleasePair& pair) {
    page::Difference difference{.from = pair.before};
    try {
        const Comparison comparison = compare(app, pair);
        difference.why_no_files = comparison.why_no_files;
        if (comparison.files)
            add_files(*comparison.files, difference);
        for (const VarChange& change : comparison.config)
            difference.config.push_back(change.name + " " + name_of(change.fate));
        for (const ProcessChange& change : comparison.processes)
            difference.processes.push_back(change.name + " " + name_of(change.fate()));
    } catch (const Error& error) { // one slug is damaged; the rest is told all the same
        difference.why_no_files = error.why();
    }
    return difference;
}

void add_manifest(const release::Manifest& manifest, page::Release& release) {
    release.description = manifest.description;
    release.status = manifest.is_stored() ? "never live" : name_of(manifest.status);
    release.by = manifest.created_by;
    release.created_at = manifest.created_at;
    release.live_at = manifest.evidence.live_at;
    release.ended_at = manifest.evidence.ended_at;
    release.why_failed = manifest.evidence.why_failed;
    release.healthy_after = manifest.evidence.healthy_after;
    if (manifest.slug) {
        release.slug = manifest.slug->id.brief();
        release.slug_size = manifest.slug->size;
        release.tree_size = manifest.slug->unpacked;
        release.files = manifest.slug->files;
    }
    if (const auto& source = manifest.source)
        release.source =
            fmt::format("{}{} {} {}", source->commit.substr(0, 12), source->dirty ? " (dirty)" : "",
                        source->branch, source->subject);
}

void add_evidence(const App& app, page::Release& release) {
    const auto conduct = release::read_conduct(app.layout.evidence(release.number));
    release.restarts = conduct.exits;
    release.failed_checks = conduct.failed_checks;
    release.peak_memory = conduct.peak_memory;
    release.is_good = app.marks.has(release::MarkKind::good, release.number);
    release.is_bad = app.marks.has(release::MarkKind::bad, release.number);
    release.is_pinned = app.marks.has(release::MarkKind::pin, release.number);
}

page::Release release_of(const App& app, const release::Entry& entry,
                         const release::Descent& descent) {
    page::Release release{.number = entry.number};
    release.complaint = entry.complaint;
    if (!entry.manifest)
        return release;
    add_manifest(*entry.manifest, release);
    add_evidence(app, release);
    release.from = descent.from;
    release.left_by = descent.left_by;
    return release;
}

// Each is compared with what was live when it was made, from the oldest on.
void add_differences(const App& app, std::vector<page::Release>& releases) {
    std::optional<ReleaseNumber> live;
    for (auto release = releases.rbegin(); release != releases.rend(); ++release) {
        if (!release->complaint.empty()) {
            live.reset();
            continue;
        }
        if (!live && release == releases.rbegin())
            live = release->from; // the oldest of a listing, or the first of all
        if (live)
            release->difference = difference_of(app, {*live, release->number});
        if (release->live_at)
            live = release->number;
    }
}

} // namespace

page::Report report_of(const App& app, std::size_t releases) {
    const AppStatus status = status_of(app);
    page::Report report{app.name().text(), name_of(status.state), status.at, {}, 0};
    const auto entries = app.ledger.newest(releases);
    const auto descent = release::descent_of(entries, app.ledger);
    for (std::size_t i = 0; i < entries.size(); ++i) {
        report.releases.push_back(release_of(app, entries[i], descent[i]));
        report.releases.back().is_live = entries[i].number == status.current;
    }
    report.earlier = app.ledger.numbers().size() - entries.size();
    add_differences(app, report.releases);
    return report;
}

void write_report(const sys::Path& file, const std::string& html) {
    namespace fs = std::filesystem;
    constexpr mode_t private_mode = 0600;
    const fs::file_status status = fs::status(file);
    if (!fs::exists(status)) {
        sys::replace(file, html, private_mode);
        return;
    }
    if (!fs::is_regular_file(status))
        throw Error(fmt::format("'{}' is no regular file", file.string()))
            .advise("-o - writes the report to standard output");
    // Through a link to what it leads to.
    sys::replace(fs::canonical(file), html, static_cast<mode_t>(status.permissions()));
}

} // namespace shipit::deploy

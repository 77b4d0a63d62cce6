// The checks of what an app has written: into its tree, and what became of it there.
#include "core/deploy/doctor_checks.hpp"

#include "core/base/text.hpp"
#include "core/deploy/release_tree.hpp"
#include "core/slug/kept.hpp"

#include <chrono>

#include <fmt/core.h>

namespace shipit::deploy {

namespace {

constexpr const char* where_data_belongs = "data belongs into app.shared (shipit.toml(5))";

// Nothing if the slug is damaged, of which others tell.
slug::Written written_files(const Examined& app) {
    try {
        return written_in_tree(app.app, app.live->slug->id, std::chrono::seconds(10));
    } catch (const Error& error) {
        if (error.outcome() != Outcome::corrupt)
            throw;
        return {};
    }
}

// What is shared already, and this.
std::string how_to_share(const Examined& app, const std::string& place) {
    std::vector<std::string> shared;
    if (app.settings)
        shared = app.settings->app.shared;
    shared.push_back(place);
    return fmt::format("{}: {} set {}; {} restart; it says what to move", where_data_belongs,
                       app.command, shell_quoted("app.shared=" + joined(shared, ",")), app.command);
}

Findings check_written_files(const Examined& app) {
    Findings findings;
    const slug::Written written = written_files(app);
    const bool are_all = !written.is_cut_short;
    if (!written.changed.empty())
        findings.push_back(note(
            fmt::format("{} of {}, which is live, changed on this server: the next build comes "
                        "with its own",
                        first_few(written.changed, are_all), app.live->number.text()),
            fmt::format("{}; else remove it, and {} restart", where_data_belongs, app.command)));
    if (!written.added.empty())
        findings.push_back(note(
            fmt::format("{} of {}, which is live, {} written on this server: the next build comes "
                        "without",
                        first_few(written.added, are_all), app.live->number.text(),
                        written.added.size() == 1 ? "was" : "were"),
            how_to_share(app, written.place)));
    return findings;
}

} // namespace

Findings check_changed_files(const Examined& app) {
    Findings findings;
    if (app.live && app.live->slug)
        findings = check_written_files(app);
    for (const sys::Path& folder : slug::kept_in(app.app.layout.trees()))
        findings.push_back(
            note(fmt::format("'{}' has what was changed on this server, and gave way to the slug's "
                             "when its release went live",
                             folder.string()),
                 fmt::format("{}; when nothing in it is needed: rm -r {}", where_data_belongs,
                             shell_quoted(folder.string()))));
    return findings;
}

} // namespace shipit::deploy

// The checks of what an app has written: into its tree, and what became of it there.
#include "core/deploy/doctor_checks.hpp"

#include "core/base/text.hpp"
#include "core/deploy/release_tree.hpp"
#include "core/slug/kept.hpp"

#include <algorithm>

#include <fmt/core.h>

namespace shipit::deploy {

namespace {

constexpr const char* where_data_belongs = "data belongs into app.shared (shipit.toml(5))";

std::string first_few(const std::vector<std::string>& paths) {
    constexpr std::size_t most = 3;
    std::vector<std::string> quoted;
    for (std::size_t i = 0; i < std::min(most, paths.size()); i++)
        quoted.push_back(fmt::format("'{}'", printable(paths[i])));
    return joined(quoted, ", ") +
           (paths.size() > most ? fmt::format(" and {} more", paths.size() - most) : "");
}

// None if the slug is damaged, of which others tell.
std::vector<std::string> edited_files(const Examined& app) {
    try {
        return edited_in_tree(app.app, app.live->slug->id);
    } catch (const Error& error) {
        if (error.outcome() != Outcome::corrupt)
            throw;
        return {};
    }
}

} // namespace

Findings check_changed_files(const Examined& app) {
    Findings findings;
    if (app.live && app.live->slug)
        if (const auto changed = edited_files(app); !changed.empty())
            findings.push_back(note(
                fmt::format("{} of {}, which is live, changed on this server: the next build comes "
                            "with its own",
                            first_few(changed), app.live->number.text()),
                fmt::format("{}; else remove it, and {} restart", where_data_belongs,
                            app.command)));
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

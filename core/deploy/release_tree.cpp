#include "core/deploy/release_tree.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/running.hpp"
#include "core/deploy/shared.hpp"
#include "core/slug/kept.hpp"
#include "core/slug/store.hpp"
#include "core/slug/tree_check.hpp"
#include "core/slug/unpack.hpp"
#include "core/supervise/saved_state.hpp"

#include <algorithm>

#include <fmt/core.h>
#include <unistd.h>

namespace shipit::deploy {

namespace {

std::optional<gid_t> group_of(const App& app) {
    const auto user = app.account(app.host_settings().app);
    return user ? std::optional(user->gid) : std::nullopt;
}

std::optional<SlugId> live_slug(const App& app) {
    const auto live = app.ledger.current();
    return live ? app.ledger.tree_of(*live) : std::nullopt;
}

// Whether the slug is live, a release of it still runs, or a command works in its tree.
bool is_in_use(const App& app, const SlugId& slug) {
    if (slug == live_slug(app) || sys::is_held(app.layout.slug(slug)))
        return true;
    if (!slug::is_unpacked(slug, app.layout.trees()))
        return false;
    const auto all = processes(app);
    return std::any_of(all.begin(), all.end(), [&](const ProcessFacts& process) {
        return process.release && process.pid > 0 && app.ledger.tree_of(*process.release) == slug;
    });
}

std::string stop_command(const App& app) {
    return fmt::format("shipit -a {} stop", app.name().text());
}

std::optional<release::SlugFacts> slug_of_live(const App& app) {
    const auto live = app.ledger.current();
    return live ? app.ledger.load(*live).slug : std::nullopt;
}

bool has_live_tree(const App& app) {
    const auto slug = slug_of_live(app);
    return !slug || has_tree(app, slug->id);
}

} // namespace

sys::Path unpacked_tree(const App& app, const release::SlugFacts& slug, Slug origin) {
    slug::UnpackOptions options;
    options.progress = app.host.progress;
    options.group = group_of(app);
    options.is_ours = is_shared_link;
    options.is_in_use = is_in_use(app, slug.id);
    options.beside = live_slug(app);
    if (origin == Slug::from_store)
        options.sha256 = slug.sha256;
    const slug::Store store(app.layout.releases());
    return slug::unpack(store, slug.id, app.layout.trees(), options);
}

std::optional<std::vector<std::string>> changed_in_tree(const App& app, const SlugId& slug) {
    if (!slug::is_unpacked(slug, app.layout.trees()))
        return std::nullopt;
    slug::UnpackOptions options;
    options.is_ours = is_shared_link;
    options.is_in_use = is_in_use(app, slug);
    const slug::Store store(app.layout.releases());
    return slug::changed_in_tree(store, slug, app.layout.trees(), options);
}

slug::Written written_in_tree(const App& app, const SlugId& slug,
                              std::chrono::milliseconds at_most) {
    const slug::Store store(app.layout.releases());
    if (!slug::is_unpacked(slug, app.layout.trees()) || !store.has(slug))
        return {};
    return slug::written_in_tree(store, slug, app.layout.trees(), {is_shared_link, at_most});
}

std::string first_few(const std::vector<std::string>& paths, bool are_all) {
    constexpr std::size_t most = 3;
    std::vector<std::string> quoted;
    for (std::size_t i = 0; i < std::min(most, paths.size()); i++)
        quoted.push_back(fmt::format("'{}'", printable(paths[i])));
    std::string text = joined(quoted, ", ");
    if (paths.size() > most)
        text += fmt::format(" and {}{} more", are_all ? "" : "at least ", paths.size() - most);
    return text;
}

void tell_left_behind(const App& app, const release::Manifest& left) noexcept {
    try {
        const auto user = app.account(app.host_settings().app);
        if (user && user->uid != ::geteuid())
            return; // who cannot have written there
        auto written = written_in_tree(app, left.slug.value().id, std::chrono::seconds(1));
        auto& paths = written.changed;
        paths.insert(paths.end(), written.added.begin(), written.added.end());
        if (paths.empty())
            return;
        app.host.progress.warn_of(fmt::format("what was written into the tree of {} stays behind, "
                                              "until that is pruned: {} (in '{}'); "
                                              "data belongs into app.shared (shipit.toml(5))",
                                              left.number.text(),
                                              first_few(paths, !written.is_cut_short),
                                              app.layout.tree(left.slug->id).string()));
    } catch (
        const std::exception&) { // the change is done; a slug that is damaged is told by others
        return;
    }
}

void refuse_shared_files_of(const App& app, const config::Settings& settings,
                            const slug::Build& build,
                            const std::vector<std::string>& sent_without) {
    const auto live = live_slug(app);
    const LeftOut left_out{[&](const std::string& path) {
                               return build.has_file(path) ||
                                      std::find(sent_without.begin(), sent_without.end(), path) !=
                                          sent_without.end();
                           },
                           build.is_staged() ? sys::Path() : build.folder()};
    refuse_files_left_out(left_out, app.layout.shared(), settings.app.shared,
                          live ? app.layout.tree(*live) : sys::Path(), stop_command(app));
}

void link_shared_of(const App& app, const SlugId& slug, const config::Settings& settings) {
    const auto account = app.account(settings.app);
    const slug::Store store(app.layout.releases());
    TreeContent content;
    content.stop_command = stop_command(app);
    content.other = [&](const std::string& path) {
        return slug::first_other(app.layout.tree(slug), store.read_list(slug), path,
                                 is_shared_link);
    };
    if (const auto live = live_slug(app); live && *live != slug && store.has(*live)) {
        content.live = app.layout.tree(*live);
        content.other_in_live = [&app, &store, live = *live](const std::string& path) {
            return sys::is_there(app.layout.tree(live))
                       ? slug::first_other(app.layout.tree(live), store.read_list(live), path,
                                           is_shared_link)
                       : std::nullopt;
        };
    }
    content.keep = [&](const std::string& path) {
        const auto folder = slug::keep(app.layout.trees(), slug, store.read_list(slug), path);
        app.host.progress.warn_of(fmt::format(
            "'{}' gives way to the shared one; what was changed there on this server is kept in "
            "'{}'",
            printable(path), folder.string()));
    };
    link_shared(app.layout.tree(slug), app.layout.shared(), settings.app.shared, account, content);
    if (account)
        for (const Closed& closed : closed_to(*account, app.layout.shared(), settings.app.shared))
            app.host.progress.warn_of(why_closed(app, *account, closed) + ": " +
                                      how_to_open(app, *account, closed));
}

void link_shared_or_warn(const App& app, const SlugId& slug) {
    try {
        link_shared_of(app, slug, app.settings_of_tree(app.layout.tree(slug)));
    } catch (const Error& error) {
        if (error.outcome() != Outcome::usage)
            throw;
        app.host.progress.warn_of(error.why() + ", ignoring");
    }
}

sys::Path complete_tree(const App& app, const release::SlugFacts& slug) {
    auto tree = unpacked_tree(app, slug, Slug::from_store);
    link_shared_or_warn(app, slug.id);
    flush_release_tree(app, slug.id);
    return tree;
}

std::string why_closed(const App& app, const sys::Account& account, const Closed& closed) {
    return fmt::format("'{}' belongs to {}: the app, which runs as '{}', may not write there",
                       printable((app.layout.shared() / closed.path).string()),
                       sys::user_name(closed.owner), account.name);
}

std::string how_to_open(const App& app, const sys::Account& account, const Closed& closed) {
    return fmt::format("chown -R {}: {}", account.name,
                       shell_quoted((app.layout.shared() / closed.path).string()));
}

void flush_release_tree(const App& app, const SlugId& slug) {
    try {
        slug::flush_tree(slug, app.layout.trees());
    } catch (const Error& error) {
        app.host.progress.warn_of(error.why() + ", ignoring");
    }
}

bool has_tree(const App& app, const SlugId& slug) {
    return slug::is_unpacked(slug, app.layout.trees(), group_of(app));
}

std::optional<config::Settings> settings_of(const App& app, const SlugId& slug) {
    if (slug::is_unpacked(slug, app.layout.trees()))
        return app.settings_of_tree(app.layout.tree(slug));
    const slug::Store store(app.layout.releases());
    return store.has(slug) ? std::optional(app.settings_of_slug(store.path_of(slug)))
                           : std::nullopt;
}

void ensure_live_tree(const App& app) {
    const auto slug = slug_of_live(app);
    if (!slug)
        return;
    const sys::Path tree = app.layout.tree(slug->id);
    if (!has_tree(app, slug->id))
        (void)complete_tree(app, *slug);
    else if (!is_linked(tree, app.settings_of_tree(tree).app.shared) &&
             !supervise::has_left_processes(app.layout.run_folder())) // what runs goes on as it is
        link_shared_or_warn(app, slug->id);
}

void ensure_live_tree_alone(const App& app) {
    if (has_live_tree(app))
        return;
    const auto lock = app.lock("unpack", std::chrono::minutes(10));
    ensure_live_tree(app);
}

} // namespace shipit::deploy

#include "core/deploy/deploy.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/config/config_vars.hpp"
#include "core/deploy/aftermath.hpp"
#include "core/deploy/holds.hpp"
#include "core/deploy/release_tree.hpp"
#include "core/deploy/room.hpp"
#include "core/slug/build.hpp"
#include "core/slug/store.hpp"
#include "core/supervise/program.hpp"
#include "core/sys/clock.hpp"

#include <chrono>
#include <filesystem>
#include <utility>

#include <fmt/core.h>

namespace shipit::deploy {

namespace {

using Clock = std::chrono::steady_clock;

// The folder of the apps inside the build: a slug would hold itself.
void refuse_build_around_root(const App& app, const slug::Build& build) {
    if (build.is_staged())
        return;
    std::error_code gone;
    const auto folder = std::filesystem::canonical(build.folder(), gone);
    if (gone)
        throw Error(fmt::format("the build '{}' is gone: {}", printable(build.folder().string()),
                                gone.message()))
            .advise("name the folder by its whole path");
    const auto root = std::filesystem::canonical(app.host.root);
    const auto [end, rest] = std::mismatch(folder.begin(), folder.end(), root.begin(), root.end());
    if (end == folder.end())
        throw Error(fmt::format("the build '{}' contains shipit's own root '{}'", folder.string(),
                                root.string()),
                    Outcome::usage)
            .advise("deploy a folder that holds only what the app needs");
}

std::string description_of(const DeployRequest& request, const slug::Packed& packed,
                           const std::optional<release::Source>& source) {
    if (!request.description.empty())
        return request.description;
    if (source)
        return fmt::format("Deploy {}{}: {}", source->commit.substr(0, 8), source->dirty ? "+" : "",
                           source->subject);
    return fmt::format("Deploy {}", packed.id.brief());
}

// What packing came to, in one line: "slug 0123456789: 812 files, 31 MB, packed to 9.1 MB in
// 640ms".
std::string summary_of(const slug::Packed& packed, std::chrono::milliseconds took) {
    std::string text = fmt::format("slug {}: {}, {}", packed.id.brief(),
                                   counted(packed.files, "file"), size_text(packed.unpacked));
    if (packed.stored_already)
        text += ", stored already";
    else
        text += fmt::format(", packed to {}", size_text(packed.size));
    if (packed.reused_bytes > 0)
        text += fmt::format(", {} of it taken from an earlier one", size_text(packed.reused_bytes));
    return text + fmt::format(" in {}", duration_text(took));
}

// Of a slug that some release still has.
std::optional<std::string> recorded_sha256(const App& app, const SlugId& id) {
    const auto numbers = app.ledger.numbers();
    for (auto number = numbers.rbegin(); number != numbers.rend(); ++number) {
        try {
            const auto manifest = app.ledger.load(*number);
            if (manifest.slug && manifest.slug->id == id && !manifest.is_expired())
                return manifest.slug->sha256;
        } catch (const Error&) {
            // A manifest that cannot be read records nothing.
        }
    }
    return std::nullopt;
}

// Of the newest release whose slug is stored, live or not: what is deployed next is most like it.
std::optional<release::SlugFacts> newest_slug(const App& app) {
    constexpr std::size_t enough = 20;
    const slug::Store store(app.layout.releases());
    for (const auto& entry : app.ledger.newest(enough))
        if (entry.manifest && entry.manifest->slug && store.has(entry.manifest->slug->id))
            return entry.manifest->slug;
    return std::nullopt;
}

class Deploy {
  public:
    Deploy(const DeployRequest& request) : m_request(request) {}

    // Reads an archive, which may come from somewhere slow, and builds: meanwhile nobody is kept
    // from going back.
    std::chrono::milliseconds prepare(App& app) {
        refuse_in_vain(app);
        if (m_request.open_build)
            return {};
        m_build.emplace(slug::Build::open(m_request.build, app.layout.folder(), limits_of(app),
                                          app.host.progress));
        if (m_request.prepare)
            m_request.prepare(app, *m_build);
        // Who had to send or to build it all again would have waited longer.
        return m_build->is_staged() ? std::chrono::minutes(1) : std::chrono::minutes(0);
    }

    std::optional<Plan> plan(App& app) {
        if (!m_request.force && !m_request.no_activate)
            refuse_if_held(app);
        if (m_request.open_build)
            m_build.emplace(m_request.open_build(limits_of(app)));
        const slug::Build& build = *m_build;
        refuse_build_around_root(app, build);
        const ConfigVars vars = config::load_config(app.layout.config_toml());
        const config::Settings settings = checked_settings(app, build.read_file("shipit.toml"),
                                                           build.read_file("Procfile"), vars);
        tell_other_name(app, settings);
        refuse_shared_files_of(app, settings, build, m_request.sent_without);
        const auto options = pack_options(app, settings);
        const auto begun = Clock::now();
        m_packed = slug::pack(build, slug::Store(app.layout.releases()), options);
        record_new_archive(app);
        tell_packed(app, begun);
        heed_hold(app);
        if (!m_request.force && !m_request.no_activate)
            refuse_to_end_processes(app, settings,
                                    can_force() ? "deploy it with --force" : stop_first(app));
        const auto source = m_request.source || build.is_staged()
                                ? m_request.source
                                : release::source_of(build.folder());
        m_description = description_of(m_request, *m_packed, source);
        if (m_request.dry_run) {
            if (m_request.trial)
                refuse_trial_without_way_back(app, settings);
            // What is compared is all but the number, which it has none of.
            release::Manifest would{.number = ReleaseNumber(1), .app = app.name()};
            would.slug = facts();
            would.spec = settings.spec;
            would.config = vars;
            m_would_change = is_to_be_made(app, would);
            return std::nullopt;
        }
        Plan plan =
            forward_plan(app, {facts(), settings, vars, m_description, source, m_request.trial});
        plan.is_fresh = !m_packed->stored_already;
        plan.goes_live = !m_request.no_activate;
        plan.lifts_hold = plan.goes_live && m_request.force;
        plan.repack = [this, &app, options] {
            auto anew = options;
            anew.anew = true;
            m_packed = slug::pack(*m_build, slug::Store(app.layout.releases()), anew);
            record_new_archive(app);
            return facts();
        };
        if (is_to_be_made(app, plan.manifest))
            return plan;
        if (!m_request.no_activate)
            see_that_it_runs(app);
        return std::nullopt;
    }

    // With no_activate, where nothing was to be recorded.
    [[nodiscard]] const std::optional<ReleaseNumber>& stored_before() const {
        return m_stored_before;
    }
    // With dry_run: whether a release would be made.
    [[nodiscard]] bool would_change() const { return m_would_change; }
    [[nodiscard]] const slug::Packed& packed() const { return m_packed.value(); }
    [[nodiscard]] const std::string& description() const { return m_description; }

  private:
    // Where it can be told before anything is read that it would be for nothing.
    void refuse_in_vain(const App& app) const {
        if (!m_request.force && !m_request.no_activate)
            refuse_if_held(app);
        refuse_if_locked(app, "deploy", m_request.options.lock_patience);
    }

    // It may be meant, for a second app with the same builds.
    static void tell_other_name(const App& app, const config::Settings& settings) {
        if (settings.name && *settings.name != app.name())
            app.host.progress.warn_of(
                fmt::format("the build says that it is '{}', and is for '{}' now",
                            settings.name->text(), app.name().text()));
    }

    // What is stored only waits: who takes it live will be told.
    void heed_hold(const App& app) const {
        if (m_request.no_activate)
            warn_of_holds(app, m_packed->id);
        else if (!m_request.force)
            refuse_if_held(app, m_packed->id,
                           can_force() ? "mend the build, or deploy it all the same with --force"
                                       : how_to_clear_holds(app));
    }

    [[nodiscard]] bool can_force() const { return m_request.can_force && may_force(); }

    // What would be stored with no_activate, and is, as the newest.
    [[nodiscard]] std::optional<ReleaseNumber>
    stored_already(const App& app, const release::Manifest& wanted) const {
        if (m_request.no_activate && !is_live_already(app, wanted))
            for (const auto& entry : app.ledger.newest(1))
                if (entry.manifest && entry.manifest->is_stored() &&
                    is_equal_release(*entry.manifest, wanted) &&
                    !app.marks.has(release::MarkKind::bad, entry.number))
                    return entry.number;
        return std::nullopt;
    }

    // Otherwise it is live, or stored: then that release is remembered.
    bool is_to_be_made(const App& app, const release::Manifest& wanted) {
        if (m_request.force)
            return true;
        m_stored_before = stored_already(app, wanted);
        return !m_stored_before && !is_live_already(app, wanted);
    }

    [[nodiscard]] slug::PackOptions pack_options(const App& app,
                                                 const config::Settings& settings) const {
        slug::PackOptions options;
        options.level = settings.slug_level;
        const auto earlier = newest_slug(app);
        if (earlier)
            options.earlier = earlier->id;
        options.before_writing = [&app, earlier](const slug::BuildSize& size) {
            make_room(app, size, earlier);
        };
        if (!m_build->is_staged()) // files that are new every time
            options.stat_cache = app.layout.stat_cache();
        options.leave_out = settings.app.shared;
        options.recorded_sha256 = [&app](const SlugId& id) { return recorded_sha256(app, id); };
        options.dry_run = m_request.dry_run;
        options.progress = app.host.progress;
        return options;
    }

    void record_new_archive(const App& app) const {
        if (!m_packed->stored_already && !m_request.dry_run)
            record_archive(app, facts(), m_packed->replaced ? Among::all : Among::who_have_links);
    }

    [[nodiscard]] release::SlugFacts facts() const {
        return {m_packed->id, m_packed->size, m_packed->unpacked, m_packed->files,
                m_packed->sha256};
    }

    void tell_packed(const App& app, Clock::time_point begun) const {
        const auto took = sys::time_since(begun);
        app.host.progress.begin_phase(summary_of(*m_packed, took));
    }

    const DeployRequest& m_request;
    std::optional<slug::Build> m_build; // until all is over: deleting what was staged takes time
    std::optional<slug::Packed> m_packed;
    std::string m_description;
    std::optional<ReleaseNumber> m_stored_before;
    bool m_would_change = false;
};

} // namespace

slug::Limits limits_of(const App& app) {
    const config::ArchiveLimits asked = app.host_settings().archive_limits;
    slug::Limits limits;
    limits.entries = asked.max_entries.value_or(limits.entries);
    limits.bytes = asked.max_bytes.value_or(limits.bytes);
    limits.depth = asked.max_depth.value_or(limits.depth);
    limits.path_bytes = asked.max_path.value_or(limits.path_bytes);
    limits.name_bytes = asked.max_name.value_or(limits.name_bytes);
    limits.expansion = asked.max_expansion.value_or(limits.expansion);
    limits.outside_links = asked.outside_links;
    limits.set_command = fmt::format("shipit -a {} set", app.name().text());
    return limits;
}

void record_archive(const App& app, const release::SlugFacts& slug, Among among) {
    for (const ReleaseNumber number : app.ledger.numbers()) {
        if (among == Among::who_have_links && app.ledger.tree_of(number) != slug.id)
            continue;
        try {
            auto manifest = app.ledger.load(number);
            if (!manifest.slug || manifest.slug->id != slug.id ||
                manifest.slug->sha256 == slug.sha256)
                continue;
            manifest.slug = slug;
            app.ledger.save(std::move(manifest));
        } catch (const Error& error) {
            if (error.outcome() != Outcome::corrupt)
                throw;
            // What cannot be read is told of by `verify`.
        }
    }
}

Deployed deploy(App& app, const DeployRequest& request) {
    Deploy plan(request);
    Change change;
    change.what = "deploy";
    change.attempt = fmt::format("deploying '{}'", app.name().text());
    change.prepare = [&plan](App& unlocked) { return plan.prepare(unlocked); };
    change.plan = [&plan](App& locked) { return plan.plan(locked); };
    const Changed changed = carry_out_or_go_back(app, change, request.options);
    Deployed deployed{changed, plan.packed(), plan.description()};
    if (request.no_activate)
        deployed.stored = changed.release ? changed.release : plan.stored_before();
    if (request.dry_run)
        deployed.would_change = plan.would_change();
    return deployed;
}

} // namespace shipit::deploy

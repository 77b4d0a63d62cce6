#include "core/deploy/forward.hpp"

#include "core/base/text.hpp"
#include "core/config/config_vars.hpp"
#include "core/deploy/port.hpp"
#include "core/deploy/running.hpp"

#include <algorithm>

#include <fmt/core.h>

namespace shipit::deploy {

namespace {

// But for the counts, which are not the release's.
bool is_equal(ReleaseSpec one, const ReleaseSpec& other) {
    for (ProcessType& type : one.processes)
        for (const ProcessType& same : other.processes)
            if (type.name == same.name)
                type.count = same.count;
    return one == other;
}

// The same files, with whatever config vars.
bool is_live(const App& app, const SlugId& slug) {
    const auto live = app.ledger.current();
    return live && app.ledger.tree_of(*live) == slug;
}

// Of what is live and meant to run; none where that cannot be read, which a step forward may mend.
std::vector<std::string> live_types(const App& app) {
    std::vector<std::string> types;
    const auto live = app.ledger.current();
    if (!live || app.is_stopped())
        return types;
    try {
        for (const ProcessType& type : app.ledger.load(*live).spec.processes)
            types.push_back(fmt::format("'{}'", type.name));
    } catch (const Error& error) {
        if (error.outcome() != Outcome::corrupt)
            throw;
    }
    return types;
}

} // namespace

std::optional<std::string> why_path_is_not_asked(const ReleaseSpec& spec) {
    const auto is_web = [](const ProcessType& type) { return type.name == "web"; };
    if (spec.health.path.empty() || spec.processes.empty() ||
        std::any_of(spec.processes.begin(), spec.processes.end(), is_web))
        return std::nullopt;
    std::vector<std::string> names;
    for (const ProcessType& type : spec.processes)
        names.push_back(fmt::format("'{}'", type.name));
    return fmt::format("health.path is not asked, and nothing is handed over: no process type is "
                       "called 'web' (there {} {})",
                       names.size() == 1 ? "is" : "are", joined_briefly(names, ", "));
}

config::Settings checked_settings(const App& app, std::optional<std::string> build_toml,
                                  std::optional<std::string> procfile, const ConfigVars& vars) {
    config::Settings settings = app.settings_of(std::move(build_toml), std::move(procfile));
    for (const std::string& warning : settings.warnings)
        app.host.progress.warn_of(warning);
    if (const auto why_not = why_path_is_not_asked(settings.spec))
        app.host.progress.warn_of(*why_not);
    (void)app.account(settings.app);
    const auto missing = config::missing_vars(settings, vars);
    if (!missing.empty())
        throw Error(
            fmt::format("the build needs config vars that are not set: {}", joined(missing, ", ")))
            .advise(fmt::format("shipit -a {} config set {}", app.name().text(), missing.front()));
    return settings;
}

void refuse_to_end_processes(const App& app, const config::Settings& settings,
                             const std::string& way) {
    if (!settings.spec.processes.empty())
        return;
    const auto types = live_types(app);
    if (types.empty())
        return;
    throw Error(
        fmt::format("the build has no process types, and {}, which is live, has {}: there "
                    "is no [processes] in a shipit.toml and no Procfile in its first folder",
                    app.live().text(), joined_briefly(types, ", ")),
        Outcome::held)
        .advise(fmt::format("did you mean another folder? If it is to be files only: {}", way));
}

std::string stop_first(const App& app) {
    return fmt::format("on the host: shipit -a {} stop; then try again", app.name().text());
}

void refuse_trial_without_way_back(const App& app, const config::Settings& settings) {
    if (!app.ledger.current())
        throw Error(
            fmt::format("nothing of '{}' is live that a trial could go back to", app.name().text()))
            .advise("take it live without --trial");
    if (settings.spec.processes.empty())
        throw Error("an app that is files only has no supervisor to end a trial", Outcome::usage)
            .advise("take it live without --trial");
    if (settings.is_irreversible)
        throw Error("the build says release.irreversible: there is no way back from a trial",
                    Outcome::usage)
            .advise("take it live without --trial");
}

Plan forward_plan(const App& app, const Step& step) {
    const config::Settings& settings = step.settings;
    if (step.trial)
        refuse_trial_without_way_back(app, settings);
    if (!settings.spec.processes.empty() && !settings.app.port && settings.app.socket().empty())
        (void)choose_port(app);
    Plan plan{release::Manifest{ReleaseNumber(1), app.name()}};
    plan.manifest.description = step.description;
    plan.manifest.trial = step.trial;
    plan.manifest.slug = step.slug;
    plan.manifest.source = step.source;
    plan.manifest.spec = settings.spec;
    plan.manifest.config = step.vars;
    if (settings.is_irreversible && !is_live(app, step.slug.id))
        plan.irreversible = "its build says release.irreversible";
    return plan;
}

bool is_equal_release(const release::Manifest& one, const release::Manifest& other) {
    return one.slug && other.slug && one.slug->id == other.slug->id && one.config == other.config &&
           is_equal(one.spec, other.spec);
}

bool is_live_already(const App& app, const release::Manifest& manifest) {
    const auto live = app.ledger.current();
    if (!live || app.is_stopped() || app.marks.get(release::MarkKind::bad, *live))
        return false;
    try {
        return is_equal_release(app.ledger.load(*live), manifest);
    } catch (const Error& error) {
        if (error.outcome() != Outcome::corrupt)
            throw;
        return false; // a step forward is one of the ways out of that
    }
}

void see_that_it_runs(const App& app) {
    const auto generation = live_generation(app);
    if (!generation || is_supervised(app))
        return;
    app.host.progress.begin_phase(
        fmt::format("starting {}, which nobody supervises", generation->release.text()));
    ensure_supervisor(app);
}

} // namespace shipit::deploy

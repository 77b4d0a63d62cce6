#include "core/deploy/config_change.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/config/config_vars.hpp"
#include "core/deploy/bless.hpp"
#include "core/deploy/holds.hpp"

#include <algorithm>

#include <fmt/core.h>

namespace shipit::deploy {

namespace {

ConfigVars applied(const ConfigRequest& request, const ConfigVars& before) {
    ConfigVars after = before;
    for (const auto& [name, value] : request.set)
        after[name] = value;
    for (const std::string& name : request.unset) {
        config::check_name_form(name);
        if (!before.contains(name))
            throw Error(fmt::format("there is no config var '{}'", printable(name)))
                .advise(meant_or(name, config::names_of(before), "'shipit config' lists them"));
        after.erase(name);
    }
    config::check_vars(after);
    return after;
}

bool is_asked_for(const ConfigRequest& request, const VarChange& change) {
    return request.set.contains(change.name) ||
           std::find(request.unset.begin(), request.unset.end(), change.name) !=
               request.unset.end();
}

std::vector<std::string> names_in(const std::vector<VarChange>& changes, bool removed) {
    std::vector<std::string> names;
    for (const VarChange& change : changes)
        if ((change.fate == Fate::removed) == removed)
            names.push_back(change.name);
    return names;
}

// Of those that are removed, the ones that the code which is live says it cannot do without.
std::vector<std::string> needed_names(const App& app, ReleaseNumber live,
                                      const std::vector<VarChange>& changes) {
    const auto removed = names_in(changes, true);
    const auto tree = app.ledger.tree_of(live);
    std::vector<std::string> needed;
    if (removed.empty() || !tree)
        return needed;
    const auto settings = app.settings_of_tree(app.layout.tree(*tree));
    for (const std::string& name : settings.required_vars)
        if (std::find(removed.begin(), removed.end(), name) != removed.end())
            needed.push_back(name);
    return needed;
}

void refuse_to_unset_needed(const App& app, ReleaseNumber live,
                            const std::vector<VarChange>& changes) {
    const auto needed = needed_names(app, live, changes);
    if (!needed.empty())
        throw Error(fmt::format("{} needs {} (config.required)", live.text(), joined(needed, ", ")))
            .advise("keep it, or stage the change with --no-restart and deploy a build that does "
                    "not need it");
}

void warn_of_needed(const App& app, ReleaseNumber live, const std::vector<VarChange>& changes) {
    const auto needed = needed_names(app, live, changes);
    if (!needed.empty())
        app.host.progress.warn_of(
            fmt::format("{} needs {} (config.required): the next deploy is refused unless its "
                        "build does not",
                        live.text(), joined(needed, ", ")));
}

void refuse_if_changed_since(const ConfigRequest& request, const ConfigVars& now) {
    if (!request.expected || *request.expected == now)
        return;
    std::vector<std::string> names;
    for (const VarChange& change : compare_config(*request.expected, now))
        names.push_back(change.name);
    throw Error(fmt::format("somebody else has changed config vars meanwhile ({}); nothing was "
                            "changed",
                            joined(names, ", ")))
        .advise("edit them once more, from what they are now");
}

// Into config.toml alone.
void stage(const App& app, const ConfigVars& vars, ConfigChanged& done) {
    if (done.changes.empty())
        return;
    config::save_config(app.layout.config_toml(), vars);
    app.note_event("config", std::nullopt, name_of(Outcome::done),
                   "staged: " + joined(done.names(), ", "));
    done.is_staged = true;
}

// What the next release would have other than the live one: what was staged before goes with what
// is asked for, but not without.
std::vector<VarChange> changes_to(const ConfigVars& live, const ConfigRequest& request,
                                  const ConfigVars& before, const ConfigVars& after) {
    auto changes = compare_config(live, after);
    const bool any = before != after || std::any_of(changes.begin(), changes.end(),
                                                    [&request](const VarChange& change) {
                                                        return is_asked_for(request, change);
                                                    });
    if (!any)
        changes.clear();
    return changes;
}

std::optional<Plan> plan_of(const App& app, const ConfigRequest& request, ConfigChanged& done) {
    const ConfigVars before = config::load_config(app.layout.config_toml());
    refuse_if_changed_since(request, before);
    const ConfigVars after = applied(request, before);
    done.changes = compare_config(before, after);
    const auto live = app.ledger.current();
    if (!live || !request.restart) {
        if (live)
            warn_of_needed(app, *live, done.changes);
        stage(app, after, done);
        return std::nullopt;
    }
    Plan plan{app.ledger.load(*live)};
    const auto changes = changes_to(plan.manifest.config, request, before, after);
    if (changes.empty()) { // unless what was staged is taken back, there is nothing to do
        stage(app, after, done);
        return std::nullopt;
    }
    refuse_to_unset_needed(app, *live, changes);
    done.changes = changes;
    plan.manifest.description =
        config::change_description(names_in(changes, false), names_in(changes, true));
    plan.manifest.config = after;
    plan.manifest.rollback_of.reset();
    plan.manifest.config_of.reset();
    plan.manifest.is_undo = false;
    plan.manifest.activation_of.reset();
    if (!trial_end(app, *live)) // which is over: what goes on is not on trial again
        plan.manifest.trial.reset();
    plan.manifest.evidence = {};
    plan.sets_config = true;
    return plan;
}

} // namespace

std::vector<std::string> ConfigChanged::names() const {
    std::vector<std::string> names;
    for (const VarChange& change : changes)
        names.push_back(change.name);
    return names;
}

ConfigChanged change_config(App& app, const ConfigRequest& request) {
    ConfigChanged done;
    Change change;
    change.what = "config";
    change.attempt = fmt::format("changing config vars of '{}'", app.name().text());
    change.plan = [&](App& locked) {
        refuse_if_held(locked);
        return plan_of(locked, request, done);
    };
    done.changed = carry_out_or_go_back(app, change, request.options);
    return done;
}

} // namespace shipit::deploy

#include "core/deploy/scale.hpp"

#include "core/base/text.hpp"
#include "core/config/host_settings.hpp"
#include "core/deploy/forward.hpp"
#include "core/deploy/running.hpp"

#include <algorithm>

#include <fmt/core.h>

namespace shipit::deploy {

namespace {

release::Manifest live_manifest(const App& app) {
    return app.ledger.load(app.live());
}

std::vector<TypeCount> wanted(const App& app, const release::Manifest& manifest) {
    const auto settings = app.settings_of_tree(app.layout.tree(manifest.slug.value().id));
    std::vector<TypeCount> result;
    for (const ProcessType& type : manifest.spec.processes)
        result.push_back({type.name, count_of(type, settings)});
    return result;
}

std::string key_of(const std::string& type) {
    return fmt::format("processes.{}.count", type);
}

// "web=4" as an assignment of app.toml.
std::string assignment(const std::string& word, const std::vector<TypeCount>& types) {
    const auto equals = word.find('=');
    if (equals == std::string::npos || equals + 1 == word.size())
        throw Error(fmt::format("'{}' is not TYPE=COUNT", printable(word)), Outcome::usage)
            .advise("write it like 'shipit scale web=2'");
    const std::string type = word.substr(0, equals);
    std::vector<std::string> names;
    for (const TypeCount& each : types)
        names.push_back(each.type);
    if (std::find(names.begin(), names.end(), type) == names.end()) {
        const auto meant = nearest(type, names);
        throw Error(fmt::format("the live release has no process type '{}'", printable(type)),
                    Outcome::usage)
            .advise(meant           ? fmt::format("did you mean '{}'?", *meant)
                    : names.empty() ? "it is files only: there is nothing to scale"
                                    : "its types: " + joined(names, ", "));
    }
    return key_of(type) + word.substr(equals);
}

// How many there are now, whatever the settings say: those may have been set without `scale`, or by
// one that was killed.
std::vector<TypeCount> running(const App& app, ReleaseNumber release,
                               const std::vector<TypeCount>& wanted) {
    std::vector<TypeCount> result = wanted;
    for (TypeCount& each : result)
        each.count = 0;
    for (const ProcessFacts& process : processes(app))
        for (TypeCount& each : result)
            if (each.type == process.type && process.release == release &&
                process.state != "warm" && process.state != "stopping" &&
                process.state != "stopped")
                ++each.count;
    return result;
}

std::string words_for(const std::vector<TypeCount>& before, const std::vector<TypeCount>& after) {
    std::vector<std::string> words;
    for (std::size_t i = 0; i < after.size(); ++i)
        if (before[i].count != after[i].count)
            words.push_back(fmt::format("{}={}", after[i].type, after[i].count));
    return joined(words, " ");
}

void take_back(const App& app, const std::vector<config::HostChange>& changes) {
    std::vector<std::string> assignments;
    for (const config::HostChange& change : changes)
        assignments.push_back(fmt::format("{}={}", change.key, change.before.value_or("")));
    config::set_keys(app.layout.app_toml(), assignments);
}

// The file first: were we killed after the switch, it would say what runs.
std::optional<Plan> plan_of(const App& app, const std::vector<std::string>& words) {
    Plan plan{live_manifest(app)};
    const auto before = wanted(app, plan.manifest);
    std::vector<std::string> assignments;
    for (const std::string& word : words)
        assignments.push_back(assignment(word, before));
    const auto changes = config::set_keys(app.layout.app_toml(), assignments);
    const auto after = wanted(app, plan.manifest);
    std::string what = words_for(before, after);
    if (what.empty() && !app.is_stopped() && is_supervised(app))
        what = words_for(running(app, plan.manifest.number, after), after);
    if (what.empty()) {
        see_that_it_runs(app);
        return std::nullopt;
    }
    if (app.is_stopped()) {
        app.note_event("scale", plan.manifest.number, name_of(Outcome::done), what);
        return std::nullopt;
    }
    plan.manifest.description = what; // only for what is told: no release is recorded
    plan.is_recorded = false;
    plan.was_good = app.marks.has(release::MarkKind::good, plan.manifest.number);
    plan.scales = true;
    plan.undo = [&app, changes] { take_back(app, changes); };
    return plan;
}

} // namespace

std::vector<TypeCount> counts(const App& app) {
    const release::Manifest manifest = live_manifest(app);
    std::vector<TypeCount> result = wanted(app, manifest);
    for (const ProcessFacts& process : processes(app))
        for (TypeCount& each : result)
            if (each.type == process.type && process.release == manifest.number &&
                process.state == "up")
                ++each.up;
    return result;
}

Changed scale(App& app, const std::vector<std::string>& words,
              std::chrono::milliseconds lock_patience) {
    Change change;
    change.what = "scale";
    change.attempt = fmt::format("scaling '{}'", app.name().text());
    change.plan = [&words](App& locked) { return plan_of(locked, words); };
    return carry_out(app, change, {lock_patience, Patience::until_live});
}

} // namespace shipit::deploy

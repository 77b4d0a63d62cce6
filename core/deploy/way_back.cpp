#include "core/deploy/way_back.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/config/config_vars.hpp"
#include "core/deploy/barrier.hpp"
#include "core/deploy/holds.hpp"
#include "core/deploy/release_tree.hpp"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

namespace shipit::deploy {

namespace {

std::string command(const App& app, const std::string& words) {
    return fmt::format("shipit -a {} {}", app.name().text(), words);
}

WayBack chosen(const App& app, const RollbackRequest& request, std::optional<ReleaseNumber> live) {
    const ReleaseNumber number = *request.to;
    (void)app.ledger.load(number); // says so if there is no such release
    const auto eligible = app.ledger.eligibility(app.marks, number, request.restores);
    if (!eligible.possible && number != live)
        throw Error(fmt::format("{} cannot be rolled back to: {}", number.text(), eligible.why))
            .advise(command(app, "releases"));
    return {number, {}, ""};
}

WayBack undone(const App& app, const RollbackRequest& request, ReleaseNumber live) {
    const release::Choice choice = release::choose_undo(app.ledger, app.marks, live);
    if (!choice.target)
        throw Error("there is nothing to undo: " + choice.note)
            .advise("to take any release live: " + command(app, "rollback vN"));
    RollbackRequest exactly = request;
    exactly.to = choice.target;
    return chosen(app, exactly, live);
}

WayBack newest_good(const App& app, const RollbackRequest& request, ReleaseNumber live) {
    const auto choice =
        release::choose_rollback(app.ledger, app.marks, request.restores,
                                 request.tells_all ? release::Ledger::all : few_to_read);
    std::vector<std::string> skipped;
    for (const release::Skipped& each : choice.skipped)
        skipped.push_back(fmt::format("{} {}", each.number.text(), each.why));
    if (choice.target)
        return {*choice.target, skipped, choice.note};
    std::string why =
        choice.from == live
            ? fmt::format("there is no release before {} to go back to", live.text())
            : fmt::format("{} has brought {} back, and there is no release before that",
                          live.text(), choice.from.value_or(live).text());
    if (!skipped.empty())
        why += ": " + joined_briefly(skipped, "; ");
    if (request.automatic && !request.reason.empty())
        why = fmt::format("{}; it stays live, since {}", request.reason, why);
    Error error(why, request.automatic ? Outcome::down : Outcome::failed);
    error.advise(command(app, "releases")).add_details(std::move(skipped));
    throw std::move(error);
}

std::vector<std::string> missing_vars(const App& app, const release::Manifest& code,
                                      const ConfigVars& vars) {
    const bool was_live = code.evidence.live_at.has_value();
    const bool has_what_it_had =
        std::all_of(code.config.begin(), code.config.end(),
                    [&vars](const auto& variable) { return vars.contains(variable.first); });
    if (was_live && has_what_it_had)
        return {}; // as all that comes back whole: no file needs to be read for it
    const auto settings = code.slug ? settings_of(app, code.slug->id) : std::nullopt;
    // Without files it is refused elsewhere.
    auto missing = settings ? config::missing_vars(*settings, vars) : std::vector<std::string>();
    if (was_live)
        std::erase_if(missing, [&code](const auto& name) { return !code.config.contains(name); });
    return missing;
}

std::string command_by_force(const App& app, const RollbackRequest& request, ReleaseNumber target) {
    std::string words = "rollback --force";
    if (request.restores == Restores::code)
        words += " --code-only";
    if (request.restores == Restores::config)
        words += " --config-only";
    return command(app, words + (request.undo ? " --undo" : " " + target.text()));
}

// To end the hold would let through more than this rollback. What force would go across as well is
// told with it.
void refuse_if_app_is_held(const App& app, const RollbackRequest& request, ReleaseNumber target,
                           const std::string& barrier) {
    try {
        refuse_if_held(app);
    } catch (const Error& held) {
        throw Error(barrier.empty() ? held.why() : fmt::format("{}; and {}", held.why(), barrier),
                    held.outcome())
            .advise(fmt::format("if it cannot wait: {}", command_by_force(app, request, target)));
    }
}

} // namespace

WayBack way_back(const App& app, const RollbackRequest& request,
                 std::optional<ReleaseNumber> live) {
    if (!live && (!request.to || request.restores == Restores::config)) {
        if (auto lost = app.why_lost())
            throw std::move(*lost);
        throw Error(fmt::format("nothing of '{}' is live, so there is nothing to go back from",
                                app.name().text()))
            .advise("to take a release of the past live: " + command(app, "rollback vN"));
    }
    if (request.undo)
        return undone(app, request, *live);
    return request.to ? chosen(app, request, live) : newest_good(app, request, *live);
}

void refuse_what_needs_force(const App& app, const RollbackRequest& request, ReleaseNumber target) {
    const bool alone = request.automatic;
    if (request.force && !alone)
        return;
    // Config vars alone leave the code, and so the data, where they are.
    const std::string why = request.restores == Restores::config ? "" : barrier_before(app, target);
    if (!alone)
        refuse_if_app_is_held(app, request, target, why);
    if (why.empty())
        return;
    throw Error(alone ? fmt::format("{}; it stays live, since {}", request.reason, why) : why,
                alone ? Outcome::down : Outcome::held)
        .advise(fmt::format("if {} can work with the data as they are now: {}", target.text(),
                            command_by_force(app, request, target)));
}

ConfigVars vars_of_now(const App& app) {
    try {
        if (const auto live = app.ledger.current())
            return app.ledger.load(*live).config;
    } catch (const Error& error) {
        app.host.progress.warn_of(error.why() + "; the config vars are those that are set");
    }
    return config::load_config(app.layout.config_toml());
}

void refuse_missing_vars(const App& app, const RollbackRequest& request, ReleaseNumber target,
                         const release::Manifest& code, const ConfigVars& vars) {
    const auto missing = missing_vars(app, code, vars);
    if (missing.empty())
        return;
    const std::string release = target.text();
    const bool with_vars_of_now = request.restores == Restores::code;
    Error error(fmt::format("the build needs config vars that are not set{}: {}",
                            with_vars_of_now ? "" : " in " + release, joined(missing, ", ")));
    if (with_vars_of_now)
        error.advise(command(app, "config set " + missing.front()));
    else if (request.restores == Restores::config)
        error.advise("with the code that it had: " + command(app, "rollback " + release));
    else
        error.advise("with the config vars of today: " + command(app, "activate " + release));
    throw std::move(error);
}

} // namespace shipit::deploy

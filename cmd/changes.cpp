#include "cmd/changes.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/bless.hpp"
#include "core/sys/interrupt.hpp"

#include <fmt/core.h>

namespace shipit::cmd {

namespace {

std::string activate_command_for(const deploy::App& app, ReleaseNumber release) {
    return fmt::format("shipit -a {} activate {}", app.name().text(), release.text());
}

std::vector<Saying> trial_of(const deploy::App& app, ReleaseNumber release) {
    if (const auto end = trial_end_if_known(app, release))
        return {{false, fmt::format("on trial until {}; to keep it: shipit -a {} bless",
                                    time_text(*end), app.name().text())}};
    return {};
}

std::vector<Saying> end_of_storing(const deploy::App& app, const deploy::Deployed& deployed) {
    const ReleaseNumber release = *deployed.stored;
    const std::string slug = deployed.slug.id.brief();
    return {{true, deployed.changed.release
                       ? fmt::format("Stored {} of {}, which is not live: {}", release.text(),
                                     app.name().text(), printable(deployed.description))
                       : fmt::format("Nothing changed: slug {} with these config vars is stored "
                                     "already, as {}, which is not live",
                                     slug, release.text())},
            {false, "to take it live: " + activate_command_for(app, release)}};
}

} // namespace

deploy::ChangeOptions change_options(const Invocation& invocation) {
    // A lost connection does not stop a change; ^C does so cleanly, before the switch.
    sys::defer_signals();
    return {invocation.patience(), invocation.arguments.has("no-wait")
                                       ? deploy::Patience::until_live
                                       : deploy::Patience::until_good};
}

bool asked_not_to_activate(const Invocation& invocation) {
    const Arguments& arguments = invocation.arguments;
    if (!arguments.has("no-activate"))
        return false;
    if (arguments.has("trial"))
        throw Error("'--no-activate' and '--trial': a trial begins when a release goes live",
                    Outcome::usage)
            .advise("give it later: shipit activate vN --trial TIME");
    if (arguments.has("no-wait"))
        throw Error("'--no-activate' and '--no-wait': what does not go live is not waited for",
                    Outcome::usage)
            .advise("leave '--no-wait' out; 'shipit activate' takes it");
    return true;
}

std::optional<WallTime> trial_end_if_known(const deploy::App& app, ReleaseNumber release) noexcept {
    try {
        return deploy::trial_end(app, release);
    } catch (const std::exception&) {
        return std::nullopt;
    }
}

Json json_of(const deploy::Changed& changed) {
    return Json::object({{"changed", changed.release.has_value()},
                         {"release", changed.release ? Json(changed.release->text()) : Json()},
                         {"previous", changed.previous ? Json(changed.previous->text()) : Json()},
                         {"good", changed.is_good},
                         {"took_ms", std::int64_t{changed.took.count()}}});
}

std::optional<std::chrono::milliseconds> asked_trial(const Invocation& invocation) {
    const auto text = invocation.arguments.text("trial");
    if (!text)
        return std::nullopt;
    constexpr std::chrono::seconds shortest(1);
    const auto trial = parse_duration(*text);
    if (!trial || *trial < shortest)
        throw unfit_value(
            "trial", fmt::format("takes a time of at least 1s, not '{}'", printable(*text)), "10m");
    return trial;
}

void say(Terminal& terminal, const std::vector<Saying>& sayings) {
    for (const Saying& saying : sayings)
        if (saying.is_result)
            terminal.print(saying.text);
        else
            terminal.note(saying.text);
}

std::vector<Saying> end_of(const deploy::App& app, const deploy::Changed& changed) {
    std::vector<Saying> sayings;
    if (!changed.release)
        return sayings;
    const std::string how =
        changed.successor
            ? fmt::format("was live until {} took its place", changed.successor->text())
            : fmt::format("is live{}", changed.is_good ? " and good" : "");
    sayings.push_back({false, fmt::format("{} {} ({} from lock to switch)", changed.release->text(),
                                          how, duration_text(changed.took))});
    if (!changed.way_back.empty())
        sayings.push_back(
            {false, fmt::format("to undo: shipit -a {} {}", app.name().text(), changed.way_back)});
    return sayings;
}

void tell_end(const Invocation& invocation, const deploy::App& app,
              const deploy::Changed& changed) {
    say(invocation.terminal, end_of(app, changed));
}

void tell_trial(const Invocation& invocation, const deploy::App& app, ReleaseNumber release) {
    say(invocation.terminal, trial_of(app, release));
}

Json json_of(const deploy::App& app, const deploy::Changed& changed) {
    Json result = json_of(changed);
    result.set("app", app.name().text());
    if (changed.release)
        if (const auto end = trial_end_if_known(app, *changed.release))
            result.set("trial_ends", time_text(*end));
    return result;
}

Json json_of(const deploy::App& app, const deploy::Deployed& deployed) {
    const auto& slug = deployed.slug;
    Json result = json_of(app, deployed.changed);
    result.set("description", deployed.description);
    result.set("stored", deployed.stored ? Json(deployed.stored->text()) : Json());
    if (deployed.would_change)
        result.set("would_change", *deployed.would_change);
    if (deployed.stored)
        result.set("activate", activate_command_for(app, *deployed.stored));
    result.set("slug", Json::object({{"id", slug.id.text()},
                                     {"size", slug.size},
                                     {"unpacked", slug.unpacked},
                                     {"files", slug.files},
                                     {"sha256", slug.sha256},
                                     {"stored_already", slug.stored_already}}));
    return result;
}

std::vector<Saying> end_of(const deploy::App& app, const deploy::Deployed& deployed) {
    const auto& slug = deployed.slug;
    const auto& release = deployed.changed.release;
    if (deployed.stored)
        return end_of_storing(app, deployed);
    if (!release) {
        std::vector<Saying> nothing{
            {true, fmt::format("Nothing changed: slug {} with these config vars is live already",
                               slug.id.brief())}};
        if (const auto live = app.ledger.current())
            for (Saying& saying : trial_of(app, *live))
                nothing.push_back(std::move(saying));
        return nothing;
    }
    std::vector<Saying> sayings;
    if (slug.stored_already)
        sayings.push_back({false, fmt::format("slug {} was stored already", slug.id.brief())});
    sayings.push_back({true, fmt::format("Deployed {} to {}: {}", release->text(),
                                         app.name().text(), printable(deployed.description))});
    const auto rest = end_of(app, deployed.changed);
    sayings.insert(sayings.end(), rest.begin(), rest.end());
    const auto trial = trial_of(app, *release);
    sayings.insert(sayings.end(), trial.begin(), trial.end());
    return sayings;
}

bool asked_for_every_app(const Invocation& invocation) {
    if (!invocation.arguments.has("all"))
        return false;
    const auto app = invocation.arguments.text("app");
    const auto release = invocation.arguments.word(0);
    const std::string named = app       ? "-a " + printable(*app)
                              : release ? printable(*release)
                                        : std::string();
    if (!named.empty())
        throw Error(fmt::format("'--all' means every app of this host, and '{}' is of one", named),
                    Outcome::usage)
            .advise(fmt::format("leave out '--all' for that one, or '{}' for every app", named));
    return true;
}

Outcome in_every_app(const Invocation& invocation, std::string_view predicate,
                     const std::function<Outcome(deploy::App)>& act) {
    Outcome first = Outcome::done;
    const auto note = [&first](Outcome outcome) {
        if (first == Outcome::done)
            first = outcome;
    };
    for (const AppName& name : deploy::app_names(invocation.host()))
        try {
            note(act(deploy::App::open(invocation.host(), name)));
        } catch (const sys::Interrupted&) {
            throw;
        } catch (const Error& error) {
            invocation.terminal.warning(
                fmt::format("'{}' {}: {}", name.text(), predicate, error.why()));
            note(error.outcome());
        }
    return first;
}

} // namespace shipit::cmd

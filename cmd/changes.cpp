#include "cmd/changes.hpp"

#include "core/base/text.hpp"
#include "core/sys/interrupt.hpp"

#include <fmt/core.h>

namespace shipit::cmd {

deploy::ChangeOptions change_options(const Invocation& invocation) {
    // A lost connection does not stop a change; ^C does so cleanly, before the switch.
    sys::defer_signals();
    return {invocation.patience(), invocation.arguments.has("no-wait")
                                       ? deploy::Patience::until_live
                                       : deploy::Patience::until_good};
}

Json json_of(const deploy::Changed& changed) {
    return Json::object({{"changed", changed.release.has_value()},
                         {"release", changed.release ? Json(changed.release->text()) : Json()},
                         {"previous", changed.previous ? Json(changed.previous->text()) : Json()},
                         {"good", changed.is_good},
                         {"took_ms", std::int64_t{changed.took.count()}}});
}

void tell_end(const Invocation& invocation, const deploy::App& app, const deploy::Changed& changed,
              const std::string& way_back) {
    if (!changed.release)
        return;
    invocation.terminal.note(
        fmt::format("{} is live{} ({} from lock to switch)", changed.release->text(),
                    changed.is_good ? " and good" : "", duration_text(changed.took)));
    if (changed.previous && changed.previous != changed.release)
        invocation.terminal.note(
            fmt::format("to undo: shipit -a {} {}", app.name().text(),
                        way_back.empty() ? "rollback " + changed.previous->text() : way_back));
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

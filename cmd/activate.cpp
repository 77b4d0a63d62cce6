// activate: what `deploy --no-activate` or an import has stored goes live.
#include "cmd/changes.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/activate.hpp"
#include "core/deploy/bless.hpp"

#include <fmt/core.h>

namespace shipit::cmd {

namespace {

Json json_for(const deploy::App& app, const deploy::ActivateRequest& request,
              const deploy::Activated& activated) {
    return json_of(app, activated.changed)
        .set("activation_of", request.release.text())
        .set("description", activated.description);
}

int run_activate(Invocation& invocation) {
    auto app = invocation.app();
    deploy::ActivateRequest request{*invocation.release(app, 0)};
    request.message = invocation.arguments.text("message").value_or("");
    request.force = invocation.arguments.has("force");
    request.trial = asked_trial(invocation);
    request.options = change_options(invocation);
    const deploy::Activated activated = deploy::activate(app, request);
    if (invocation.terminal.wants_json()) {
        invocation.terminal.print_json(json_for(app, request, activated));
        return 0;
    }
    if (const auto live = activated.live_already) {
        invocation.terminal.print(fmt::format(
            "{} is live already{}", request.release.text(),
            *live == request.release ? std::string() : fmt::format(", as {}", live->text())));
        tell_trial(invocation, app, *live);
        return 0;
    }
    invocation.terminal.print(fmt::format("Activated {} of {} as {}: {}", request.release.text(),
                                          app.name().text(), activated.changed.release->text(),
                                          printable(activated.description)));
    tell_end(invocation, app, activated.changed);
    tell_trial(invocation, app, *activated.changed.release);
    return 0;
}

} // namespace

extern const Command activate_command;
const Command activate_command{
    "activate",
    "take a release live that is stored: a step forward, not back",
    {{"RELEASE", Argument::Number::one}},
    {{"-m,--message", "TEXT", "what this release is, for 'shipit releases'"},
     {"--force", "", "also what is held, marked bad, or from before what cannot be undone"},
     trial_option,
     no_wait_option,
     wait_option},
    {"shipit -a blog activate v5", "shipit -a blog activate v5 --trial 10m"},
    run_activate};

} // namespace shipit::cmd

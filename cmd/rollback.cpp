#include "cmd/changes.hpp"

#include "core/deploy/rollback.hpp"

#include <fmt/core.h>

namespace shipit::cmd {

namespace {

int run(Invocation& invocation) {
    auto app = invocation.app();
    deploy::RollbackRequest request;
    request.to = invocation.release(0);
    request.automatic = invocation.arguments.has("automatic");
    request.reason = invocation.arguments.text("automatic").value_or("");
    if (const auto failed = invocation.arguments.text("failed"))
        request.failed = Invocation::release_number(*failed);
    request.unless_good = invocation.arguments.has("unless-good");
    request.force = invocation.arguments.has("force");
    request.options = change_options(invocation);
    const deploy::RolledBack done = deploy::rollback(app, request);
    for (const std::string& skipped : done.skipped)
        invocation.terminal.note(fmt::format("skipped: {}", skipped));
    if (invocation.terminal.wants_json()) {
        Json skipped = Json::array();
        for (const std::string& each : done.skipped)
            skipped.push_back(each);
        invocation.terminal.print_json(json_of(done.changed)
                                           .set("app", app.name().text())
                                           .set("rolled_back_to", done.target.text())
                                           .set("skipped", skipped));
        return 0;
    }
    if (!done.changed.release) {
        invocation.terminal.print(fmt::format("{} is live already", done.target.text()));
        return 0;
    }
    invocation.terminal.print(fmt::format("Rolled back {} to {} as {}", app.name().text(),
                                          done.target.text(), done.changed.release->text()));
    tell_end(invocation, app, done.changed);
    return 0;
}

} // namespace

extern const Command rollback_command;
const Command rollback_command{
    "rollback",
    "take an earlier release live again: code and config vars",
    {{"vN", Argument::Number::optional}},
    {{"--force", "", "also to before a release that cannot be undone, and while held"},
     {"--automatic", "[WHY]", "used by the supervisor when a new release fails"},
     {"--failed", "vN", "with --automatic: do nothing unless this release is live"},
     {"--unless-good", "", "with --failed: nor if it has become good"},
     no_wait_option,
     wait_option},
    {"shipit -a blog rollback", "shipit -a blog rollback v3"},
    run};

} // namespace shipit::cmd

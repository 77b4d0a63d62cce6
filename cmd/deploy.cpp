#include "cmd/changes.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/deploy.hpp"

#include <fmt/core.h>
#include <unistd.h>

namespace shipit::cmd {

namespace {

std::string would_be(const deploy::DeployRequest& request, const deploy::Deployed& deployed) {
    const auto& slug = deployed.slug;
    if (*deployed.would_change)
        return fmt::format("Would {} slug {} ({}, {}): {}",
                           request.no_activate ? "store" : "deploy", slug.id.brief(),
                           counted(slug.files, "file"), size_text(slug.unpacked),
                           printable(deployed.description));
    return fmt::format("Nothing would change: slug {} with these config vars is {}",
                       slug.id.brief(),
                       deployed.stored ? fmt::format("stored already, as {}, which is not live",
                                                     deployed.stored->text())
                                       : "live already");
}

int run_deploy(Invocation& invocation) {
    auto app = invocation.app();
    deploy::DeployRequest request;
    request.build = invocation.arguments.word(0).value_or(".");
    if (request.build == "-" && ::isatty(STDIN_FILENO) == 1)
        throw Error("'deploy -' reads a tar archive from standard input, which is a terminal",
                    Outcome::usage)
            .advise("tar c . | shipit deploy -");
    request.description = invocation.arguments.text("message").value_or("");
    request.no_activate = asked_not_to_activate(invocation);
    request.trial = asked_trial(invocation);
    request.force = invocation.arguments.has("force");
    request.dry_run = invocation.arguments.has("dry-run");
    request.options = change_options(invocation);
    const deploy::Deployed deployed = deploy::deploy(app, request);

    if (invocation.terminal.wants_json()) {
        invocation.terminal.print_json(cmd::json_of(app, deployed));
        return 0;
    }
    if (request.dry_run)
        invocation.terminal.print(would_be(request, deployed));
    else
        say(invocation.terminal, end_of(app, deployed));
    return 0;
}

} // namespace

extern const Command deploy_command;
const Command deploy_command{
    "deploy",
    "pack a build and take it live",
    {{"BUILD", Argument::Number::optional}},
    {{"-m,--message", "TEXT", "what this release is, for 'shipit releases'"},
     {"--force", "", "deploy also what is held, ends all that runs, or is live already"},
     no_activate_option,
     trial_option,
     {"--dry-run", "", "tell what would be deployed; change nothing"},
     no_wait_option,
     wait_option},
    {"shipit -a blog deploy ./build -m 'New front page'",
     "tar c . | ssh host shipit -a blog deploy -", "shipit -a blog deploy build.tar.gz --wait=5m",
     "shipit -a blog deploy --no-activate ./build"},
    run_deploy};

} // namespace shipit::cmd

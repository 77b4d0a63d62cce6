#include "cmd/changes.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/bless.hpp"
#include "core/deploy/deploy.hpp"

#include <csignal>

#include <fmt/core.h>
#include <unistd.h>

namespace shipit::cmd {

namespace {

std::optional<std::chrono::milliseconds> trial_of(const Invocation& invocation) {
    const auto text = invocation.arguments.text("trial");
    if (!text)
        return std::nullopt;
    constexpr std::chrono::seconds shortest(1);
    const auto trial = parse_duration(*text);
    if (!trial || *trial < shortest)
        throw Error(fmt::format("'--trial {}': that is no time of at least 1s", printable(*text)),
                    Outcome::usage)
            .advise("write it like --trial 10m");
    return trial;
}

int run(Invocation& invocation) {
    auto app = invocation.app();
    deploy::DeployRequest request;
    request.build = invocation.arguments.word(0).value_or(".");
    if (request.build == "-" && ::isatty(STDIN_FILENO) == 1)
        throw Error("'deploy -' reads a tar archive from standard input, which is a terminal",
                    Outcome::usage)
            .advise("tar c . | shipit deploy -");
    request.description = invocation.arguments.text("message").value_or("");
    request.trial = trial_of(invocation);
    request.force = invocation.arguments.has("force");
    request.dry_run = invocation.arguments.has("dry-run");
    request.options = change_options(invocation);
    tell_deployed(invocation, app, deploy::deploy(app, request), request.dry_run);
    return 0;
}

} // namespace

void tell_deployed(const Invocation& invocation, const deploy::App& app,
                   const deploy::Deployed& deployed, bool is_rehearsal) {
    const auto& slug = deployed.slug;
    if (invocation.terminal.wants_json()) {
        Json result = json_of(deployed.changed);
        if (const auto release = deployed.changed.release)
            if (const auto end = deploy::trial_end(app, *release))
                result.set("trial_ends", time_text(*end));
        result.set("app", app.name().text()).set("description", deployed.description);
        result.set("slug", Json::object({{"id", slug.id.text()},
                                         {"size", slug.size},
                                         {"unpacked", slug.unpacked},
                                         {"files", slug.files},
                                         {"sha256", slug.sha256},
                                         {"stored_already", slug.stored_already}}));
        invocation.terminal.print_json(result);
        return;
    }
    if (is_rehearsal) {
        invocation.terminal.print(fmt::format("Would deploy slug {} ({} files, {}): {}",
                                              slug.id.brief(), slug.files, size_text(slug.unpacked),
                                              deployed.description));
        return;
    }
    if (!deployed.changed.release) {
        invocation.terminal.print(fmt::format(
            "Nothing changed: slug {} with these config vars is live already", slug.id.brief()));
        return;
    }
    if (slug.stored_already)
        invocation.terminal.note(fmt::format("slug {} was stored already", slug.id.brief()));
    invocation.terminal.print(fmt::format("Deployed {} to {}: {}", deployed.changed.release->text(),
                                          app.name().text(), printable(deployed.description)));
    tell_end(invocation, app, deployed.changed);
    if (const auto end = deploy::trial_end(app, *deployed.changed.release))
        invocation.terminal.note(fmt::format("on trial until {}; to keep it: shipit -a {} bless",
                                             time_text(*end), app.name().text()));
}

extern const Command deploy_command;
const Command deploy_command{
    "deploy",
    "pack a build and take it live",
    {{"BUILD", Argument::Number::optional}},
    {{"-m,--message", "TEXT", "what this release is, for 'shipit releases'"},
     {"--force", "", "deploy also what is held after a rollback"},
     {"--trial", "TIME", "go back by itself unless 'shipit bless' comes in time"},
     {"--dry-run", "", "tell what would be deployed; change nothing"},
     no_wait_option,
     wait_option},
    {"shipit -a blog deploy ./build -m 'New front page'",
     "tar c . | ssh host shipit -a blog deploy -", "shipit -a blog deploy build.tar.gz --wait=5m"},
    run};

} // namespace shipit::cmd

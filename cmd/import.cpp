// import: a slug from another host.
#include "cmd/invocation.hpp"

#include "cmd/changes.hpp"
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/import.hpp"
#include "core/sys/interrupt.hpp"

#include <fmt/core.h>
#include <unistd.h>

namespace shipit::cmd {

namespace {

int run_import(Invocation& invocation) {
    auto app = invocation.app();
    deploy::ImportRequest request{*invocation.arguments.word(0)};
    if (request.file == "-" && ::isatty(STDIN_FILENO) == 1)
        throw Error("'import -' reads a slug from standard input, which is a terminal",
                    Outcome::usage)
            .advise("ssh host shipit -a blog export v12 -o - | shipit import -");
    request.description = invocation.arguments.text("message").value_or("");
    request.sha256 = invocation.arguments.text("sha256");
    request.lock_patience = invocation.patience();
    sys::defer_signals();
    const auto imported = deploy::import_slug(app, request);
    const auto& slug = imported.slug;
    if (invocation.terminal.wants_json()) {
        invocation.terminal.print_json(
            Json::object({{"app", app.name().text()},
                          {"release", imported.release.text()},
                          {"description", imported.description},
                          {"slug", Json::object({{"id", slug.id.text()},
                                                 {"size", slug.size},
                                                 {"unpacked", slug.unpacked},
                                                 {"files", slug.files},
                                                 {"sha256", slug.sha256},
                                                 {"stored_already", imported.stored_already}})}}));
        return 0;
    }
    invocation.terminal.print(fmt::format("Imported slug {} into {} as {}, which is not live",
                                          slug.id.brief(), app.name().text(),
                                          imported.release.text()));
    invocation.terminal.note(fmt::format("to take it live: shipit -a {} activate {}",
                                         app.name().text(), imported.release.text()));
    return 0;
}

} // namespace

extern const Command import_command;
const Command import_command{
    "import",
    "make a release of a slug from another host; it is not live",
    {{"FILE", Argument::Number::one}},
    {{"-m,--message", "TEXT", "what this release is, for 'shipit releases'"},
     {"--sha256", "HASH", "refuse any other file than the one with this SHA-256"},
     wait_option},
    {"shipit -a blog import blog-v12.tar.zst",
     "ssh host shipit -a blog export v12 -o - | shipit -a blog import -"},
    run_import};

} // namespace shipit::cmd

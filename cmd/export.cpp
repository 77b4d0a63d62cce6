// export: a release as a file or an image.
#include "cmd/invocation.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/export.hpp"
#include "core/sys/interrupt.hpp"

#include <fmt/core.h>
#include <unistd.h>

namespace shipit::cmd {

namespace {

using deploy::ExportFormat;

deploy::ExportRequest request_of(const Invocation& invocation, const deploy::App& app) {
    const Arguments& arguments = invocation.arguments;
    deploy::ExportRequest request{*invocation.release(app, 0)};
    const auto format = arguments.text("format").value_or("slug");
    const auto known = deploy::parse_export_format(format);
    if (!known)
        throw Error(fmt::format("'--format {}': there are slug, tar and oci", printable(format)),
                    Outcome::usage);
    request.format = *known;
    if (request.format != ExportFormat::oci && (arguments.has("process") || arguments.has("base")))
        throw Error("'--process' and '--base' are for '--format oci'", Outcome::usage);
    request.process = arguments.text("process").value_or(request.process);
    request.base = arguments.text("base").value_or("");
    request.destination = arguments.text("output").value_or("");
    if (request.destination == "-")
        request.output = STDOUT_FILENO;
    return request;
}

void refuse_output(const Invocation& invocation) {
    if (::isatty(STDOUT_FILENO) == 1)
        throw Error("'export -o -' writes an archive to standard output, which is a terminal",
                    Outcome::usage)
            .advise("shipit export v12 -o - | ssh host shipit -a blog import -");
    if (invocation.terminal.wants_json())
        throw Error("with '-o -', standard output is the archive: there is no place for --json",
                    Outcome::usage);
}

int run_export(Invocation& invocation) {
    const auto app = invocation.app();
    const auto request = request_of(invocation, app);
    if (request.output)
        refuse_output(invocation);
    sys::defer_signals();
    const auto exported = deploy::export_release(app, request);
    if (invocation.terminal.wants_json()) {
        invocation.terminal.print_json(
            Json::object({{"app", app.name().text()},
                          {"version", request.release.text()},
                          {"file", exported.destination},
                          {"slug", exported.slug.text()},
                          {"sha256", exported.sha256},
                          {"digest", exported.digest.empty() ? Json() : Json(exported.digest)}}));
        return 0;
    }
    const auto told = fmt::format("Exported {} of {}", request.release.text(), app.name().text());
    if (request.output)
        invocation.terminal.note(told);
    else
        invocation.terminal.print(fmt::format("{} to {}", told, printable(exported.destination)));
    if (request.format == ExportFormat::slug)
        invocation.terminal.note(fmt::format("there: shipit -a {} import FILE --sha256 {}",
                                             app.name().text(), exported.sha256));
    if (!exported.digest.empty())
        invocation.terminal.note("image: " + exported.digest);
    return 0;
}

} // namespace

extern const Command export_command;
const Command export_command{
    "export",
    "write a release to a file: as a slug, a tar or an image",
    {{"RELEASE", Argument::Number::one}},
    {{"-o,--output", "FILE", "where to; '-' is standard output"},
     {"--format", "FORMAT", "slug (as it is), tar, or oci (an image of a container)"},
     {"--process", "TYPE", "what the image runs; else web"},
     {"--base", "LAYOUT[:TAG]", "the OCI image layout that the image is built upon"}},
    {"shipit -a blog export v12 -o - | ssh host shipit -a blog import -",
     "shipit -a blog export v12 --format oci --base ./debian:12 -o blog.oci"},
    run_export};

} // namespace shipit::cmd

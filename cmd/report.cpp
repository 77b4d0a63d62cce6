#include "cmd/invocation.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/report.hpp"

#include <fmt/core.h>

namespace shipit::cmd {

namespace {

constexpr unsigned usual_releases_in_report = 30;

int run_report(Invocation& invocation) {
    const auto app = invocation.app();
    const std::string file =
        invocation.arguments.text("output").value_or(app.name().text() + "-report.html");
    if (file == "-" && invocation.terminal.wants_json())
        throw Error("'-o -' and '--json' both want standard output", Outcome::usage);
    const auto report =
        deploy::report_of(app, invocation.number("num").value_or(usual_releases_in_report));
    const std::string html = page::html_of(report);
    if (file == "-") {
        invocation.terminal.raw(html);
        return 0;
    }
    while_doing(fmt::format("writing the report of '{}'", app.name().text()),
                [&] { deploy::write_report(file, html); });
    if (invocation.terminal.wants_json())
        invocation.terminal.print_json(
            Json::object({{"app", app.name().text()},
                          {"file", file},
                          {"size", std::uint64_t{html.size()}},
                          {"releases", std::uint64_t{report.releases.size()}}}));
    else
        invocation.terminal.print(
            fmt::format("Wrote {}: {} of {} releases, {}", printable(file), report.releases.size(),
                        report.releases.size() + report.earlier, size_text(html.size())));
    return 0;
}

} // namespace

extern const Command report_command;
const Command report_command{
    "report",
    "write one HTML page of the app: releases, what was live when, sizes, differences",
    {},
    {{"-o,--output", "FILE", "where to ('-': standard output; else APP-report.html)"},
     {"-n,--num", "N", "so many of the newest releases (30)"}},
    {"shipit -a blog report -o blog.html", "ssh host shipit -a blog report -o - > blog.html"},
    run_report};

} // namespace shipit::cmd

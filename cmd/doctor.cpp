// doctor: whether this host has what shipit needs, and what is amiss with an app.
#include "cmd/changes.hpp"

#include "core/base/text.hpp"
#include "core/deploy/doctor.hpp"
#include "core/sys/interrupt.hpp"

#include <algorithm>
#include <cstdlib>

#include <fmt/core.h>

namespace shipit::cmd {

namespace {

using deploy::Finding;
using deploy::Findings;
using deploy::Verdict;

// Of the host, or of an app.
struct Examination {
    std::optional<AppName> app;
    Findings findings;
};

// Unlike elsewhere, an app that is merely likely to be meant is not: none need be there.
std::vector<deploy::App> meant_apps(const Invocation& invocation) {
    const auto host = invocation.host();
    std::vector<deploy::App> apps;
    const char* chosen = std::getenv("SHIPIT_APP");
    if (asked_for_every_app(invocation))
        for (const AppName& name : deploy::app_names(host))
            apps.push_back(deploy::App::open(host, name));
    else if (invocation.arguments.has("app") || (chosen != nullptr && *chosen != '\0'))
        apps.push_back(invocation.app());
    return apps;
}

Colour colour_of(Verdict verdict) {
    switch (verdict) {
    case Verdict::ok:
        return Colour::good;
    case Verdict::note:
        return Colour::waiting;
    case Verdict::problem:
        break;
    }
    return Colour::bad;
}

void tell(Terminal& terminal, const Examination& examination) {
    constexpr std::size_t width = 9; // of "problem", and a gap
    if (examination.app)
        terminal.print(fmt::format("=== {}", examination.app->text()));
    for (const Finding& finding : examination.findings) {
        const std::string_view verdict = name_of(finding.verdict);
        terminal.paragraph(terminal.coloured(verdict, colour_of(finding.verdict)) +
                               std::string(width - verdict.size(), ' '),
                           width, fmt::format("{}: {}", finding.about, printable(finding.what)));
        if (!finding.next.empty())
            terminal.print(
                fmt::format("{}next: {}", std::string(width, ' '), printable(finding.next)));
    }
}

Json json_of(const std::vector<Examination>& examinations) {
    Json all = Json::array();
    for (const Examination& examination : examinations)
        for (const Finding& finding : examination.findings)
            all.push_back(
                Json::object({{"app", examination.app ? Json(examination.app->text()) : Json()},
                              {"about", finding.about},
                              {"verdict", name_of(finding.verdict)},
                              {"what", finding.what},
                              {"next", finding.next.empty() ? Json() : Json(finding.next)}}));
    return all;
}

std::size_t count_of(const std::vector<Examination>& examinations, Verdict verdict) {
    std::size_t count = 0;
    for (const Examination& examination : examinations)
        count += static_cast<std::size_t>(
            std::count_if(examination.findings.begin(), examination.findings.end(),
                          [verdict](const Finding& each) { return each.verdict == verdict; }));
    return count;
}

int run_doctor(Invocation& invocation) {
    const std::vector<deploy::App> apps = meant_apps(invocation);
    sys::defer_signals(); // what a trial has made is taken away first
    std::vector<Examination> examinations{{{}, deploy::examine_host(invocation.host())}};
    for (const deploy::App& app : apps)
        examinations.push_back({app.name(), deploy::examine_app(app)});
    sys::stop_if_interrupted();
    Terminal& terminal = invocation.terminal;
    if (terminal.wants_json())
        terminal.print_json(json_of(examinations));
    else
        for (const Examination& examination : examinations)
            tell(terminal, examination);
    const std::size_t problems = count_of(examinations, Verdict::problem);
    terminal.note(
        fmt::format("problems: {}, notes: {}", problems, count_of(examinations, Verdict::note)));
    if (apps.empty() && !deploy::app_names(invocation.host()).empty())
        terminal.note("no app was looked at; to look at them, too: shipit doctor --all");
    return static_cast<int>(problems == 0 ? Outcome::done : Outcome::failed);
}

} // namespace

extern const Command doctor_command;
const Command doctor_command{
    "doctor",
    "tell whether this host has what shipit needs",
    {},
    {{"--all", "", "with every app"}},
    {"shipit doctor", "shipit -a blog doctor", "shipit doctor --all --json"},
    run_doctor};

} // namespace shipit::cmd

// prune, verify: what keeps an app's past in order.
#include "cmd/changes.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/running.hpp"
#include "core/deploy/upkeep.hpp"

#include <set>

#include <fmt/core.h>

namespace shipit::cmd {

namespace {

Retention retention_of(const Invocation& invocation, const deploy::App& app) {
    Retention retention = app.host_settings().retention;
    if (const auto keep = invocation.number("keep"))
        retention.keep = *keep;
    if (const auto text = invocation.arguments.text("older-than")) {
        retention.older_than = parse_duration(*text);
        if (!retention.older_than)
            throw Error(
                fmt::format("'--older-than' takes a duration like 30d, not '{}'", printable(*text)),
                Outcome::usage);
    }
    if (const auto text = invocation.arguments.text("max-size")) {
        retention.max_size = parse_size(*text);
        if (!retention.max_size)
            throw Error(
                fmt::format("'--max-size' takes a size like 5G, not '{}'", printable(*text)),
                Outcome::usage);
    }
    return retention;
}

// What runs must not lose its files, whatever the ledger says is live.
std::vector<ReleaseNumber> running(const deploy::App& app) {
    std::set<ReleaseNumber> releases;
    for (const deploy::ProcessFacts& process : deploy::processes(app))
        if (process.release)
            releases.insert(*process.release);
    return {releases.begin(), releases.end()};
}

Json json_of(const deploy::App& app, const release::PrunePlan& plan) {
    Json expired = Json::array();
    for (const release::Expiry& expiry : plan.expiring)
        expired.push_back(Json::object({{"release", expiry.number.text()}, {"why", expiry.why}}));
    Json slugs = Json::array();
    for (const SlugId& id : plan.slugs)
        slugs.push_back(id.text());
    return Json::object({{"app", app.name().text()},
                         {"expired", expired},
                         {"slugs", slugs},
                         {"trees", std::uint64_t{plan.trees.size()}},
                         {"freed", plan.frees}});
}

Json prune_one(Invocation& invocation, const deploy::App& app, bool dry_run) {
    const auto lock = app.lock("prune", invocation.patience());
    for (const std::string& done : app.ledger.tidy())
        invocation.terminal.note("tidied up: " + done);
    const release::PrunePlan plan =
        release::plan_prune(app.ledger, app.marks, retention_of(invocation, app), running(app));
    for (const std::string& warning : plan.warnings)
        invocation.terminal.warning(warning);
    if (!invocation.terminal.wants_json()) {
        for (const release::Expiry& expiry : plan.expiring)
            invocation.terminal.print(
                fmt::format("{} {} {}: {}", app.name().text(), expiry.number.text(),
                            dry_run ? "would expire" : "expired", expiry.why));
        if (!plan.is_empty())
            invocation.terminal.note(
                fmt::format("{} {} in {} slugs and {} trees", dry_run ? "would free" : "frees",
                            size_text(plan.frees), plan.slugs.size(), plan.trees.size()));
        else
            invocation.terminal.note(fmt::format("Nothing to prune in {}.", app.name().text()));
    }
    if (!dry_run)
        (void)release::prune(app.ledger, plan, {app.host.origin.user, app.host.origin.address},
                             app.host.progress);
    return json_of(app, plan);
}

int prune(Invocation& invocation) {
    const bool dry_run = invocation.arguments.has("dry-run");
    if (!invocation.arguments.has("all")) {
        const Json result = prune_one(invocation, invocation.app(), dry_run);
        if (invocation.terminal.wants_json())
            invocation.terminal.print_json(result);
        return 0;
    }
    Json all = Json::array();
    for (const AppName& name : deploy::app_names(invocation.host()))
        all.push_back(prune_one(invocation, deploy::App::open(invocation.host(), name), dry_run));
    if (invocation.terminal.wants_json())
        invocation.terminal.print_json(all);
    return 0;
}

Json json_of(const deploy::App& app, const deploy::Verified& verified) {
    Json faults = Json::array();
    for (const deploy::Fault& fault : verified.faults) {
        Json releases = Json::array();
        for (const ReleaseNumber& number : fault.releases)
            releases.push_back(number.text());
        faults.push_back(
            Json::object({{"what", fault.what}, {"why", fault.why}, {"releases", releases}}));
    }
    return Json::object({{"app", app.name().text()},
                         {"slugs", std::uint64_t{verified.slugs}},
                         {"trees", std::uint64_t{verified.trees}},
                         {"faults", faults}});
}

std::string releases_text(const std::vector<ReleaseNumber>& releases) {
    std::vector<std::string> texts;
    for (const ReleaseNumber& number : releases)
        texts.push_back(number.text());
    return joined(texts, ", ");
}

// Gives whether all is well.
bool verify_one(Invocation& invocation, deploy::App app, std::optional<ReleaseNumber> release,
                Json& all) {
    const deploy::Verified verified =
        deploy::verify(app, release, invocation.arguments.has("trees"));
    all.push_back(json_of(app, verified));
    if (invocation.terminal.wants_json())
        return verified.faults.empty();
    for (const deploy::Fault& fault : verified.faults)
        invocation.terminal.print(fmt::format("{}: {}: {} (needed by {})", app.name().text(),
                                              fault.what, fault.why,
                                              releases_text(fault.releases)));
    if (verified.faults.empty())
        invocation.terminal.note(fmt::format("{}: {} slugs and {} trees are whole",
                                             app.name().text(), verified.slugs, verified.trees));
    return verified.faults.empty();
}

bool verify_named(Invocation& invocation, Json& all) {
    deploy::App app = invocation.app();
    const auto release = invocation.release(app, 0);
    return verify_one(invocation, std::move(app), release, all);
}

int verify(Invocation& invocation) {
    Json all = Json::array();
    bool is_well = true;
    if (invocation.arguments.has("all"))
        for (const AppName& name : deploy::app_names(invocation.host()))
            is_well = verify_one(invocation, deploy::App::open(invocation.host(), name),
                                 std::nullopt, all) &&
                      is_well;
    else
        is_well = verify_named(invocation, all);
    if (invocation.terminal.wants_json())
        invocation.terminal.print_json(invocation.arguments.has("all") ? all : all.items().front());
    return static_cast<int>(is_well ? Outcome::done : Outcome::corrupt);
}

} // namespace

extern const Command prune_command, verify_command;

const Command prune_command{
    "prune",
    "remove old slugs and trees; never what may be needed",
    {},
    {{"--keep", "N", "so many good releases (else retention.keep)"},
     {"--older-than", "AGE", "also older ones, but for the one live back then"},
     {"--max-size", "SIZE", "so much disk for all slugs"},
     {"--all", "", "in every app"},
     {"--dry-run", "", "show what would go; remove nothing"},
     wait_option},
    {"shipit -a blog prune --keep 5 --dry-run", "shipit prune --all --quiet --wait=10m"},
    prune};

const Command verify_command{"verify",
                             "check slugs and manifests for damage",
                             {{"vN", Argument::Number::optional}},
                             {{"--trees", "", "also unpacked files, for edits on the server"},
                              {"--all", "", "in every app"}},
                             {"shipit -a blog verify v3", "shipit verify --all --trees"},
                             verify};

} // namespace shipit::cmd

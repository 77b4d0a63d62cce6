// prune, verify: what keeps an app's past in order.
#include "cmd/changes.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/config/keys.hpp"
#include "core/deploy/aftermath.hpp"
#include "core/deploy/room.hpp"
#include "core/deploy/upkeep.hpp"
#include "core/slug/kept.hpp"

#include <fmt/core.h>

namespace shipit::cmd {

namespace {

// What the setting may not say, the option may not.
void check(std::string_view option, std::string_view setting, const config::Value& value,
           std::string_view example) {
    const std::string complaint = config::complaint_about(*config::find_key(setting), value);
    if (!complaint.empty())
        throw unfit_value(option, complaint, example);
}

std::optional<unsigned> asked_number(const Invocation& invocation) {
    const auto number = invocation.number("keep");
    if (number)
        check("keep", "retention.keep", std::int64_t{*number}, "10");
    return number;
}

std::optional<std::chrono::milliseconds> asked_age(const Invocation& invocation) {
    const auto age = invocation.time("older-than", "30d");
    if (age)
        check("older-than", "retention.older_than", *age, "30d");
    return age;
}

std::optional<std::uint64_t> asked_size(const Invocation& invocation) {
    const auto size = invocation.size("max-size");
    if (size)
        check("max-size", "retention.max_size", *size, "5G");
    return size;
}

// What the command line says, before any app is looked at.
struct Asked {
    explicit Asked(const Invocation& invocation)
        : keep(asked_number(invocation)), older_than(asked_age(invocation)),
          max_size(asked_size(invocation)) {}

    [[nodiscard]] Retention over(Retention settings) const {
        settings.keep = keep.value_or(settings.keep);
        if (older_than)
            settings.older_than = older_than;
        if (max_size)
            settings.max_size = max_size;
        return settings;
    }

    std::optional<unsigned> keep;
    std::optional<std::chrono::milliseconds> older_than;
    std::optional<std::uint64_t> max_size;
};

struct Pruned {
    release::PrunePlan plan;
    release::PruneResult result; // zeros of a dry run
};

Json json_of(const deploy::App& app, const Pruned& pruned, bool dry_run) {
    Json expired = Json::array();
    for (const release::Expiry& expiry : pruned.plan.expiring)
        expired.push_back(Json::object({{"release", expiry.number.text()}, {"why", expiry.why}}));
    Json slugs = Json::array();
    for (const SlugId& id : pruned.plan.slugs)
        slugs.push_back(id.text());
    return Json::object({{"app", app.name().text()},
                         {"dry_run", dry_run},
                         {"expired", expired},
                         {"slugs", slugs},
                         {"trees", std::uint64_t{pruned.plan.trees.size()}},
                         {"freed", dry_run ? pruned.plan.frees : pruned.result.freed},
                         {"failures", std::uint64_t{pruned.result.failures}}});
}

void tell(Invocation& invocation, const deploy::App& app, const Pruned& pruned, bool dry_run) {
    const release::PrunePlan& plan = pruned.plan;
    for (const release::Expiry& expiry : plan.expiring)
        invocation.terminal.print(fmt::format("{} {} {}: {}", app.name().text(),
                                              expiry.number.text(),
                                              dry_run ? "would expire" : "expired", expiry.why));
    if (dry_run && !plan.is_empty())
        invocation.terminal.note(fmt::format("would free {} in {} and {}", size_text(plan.frees),
                                             counted(plan.slugs.size(), "slug"),
                                             counted(plan.trees.size(), "tree")));
    else if (!plan.is_empty())
        invocation.terminal.note(fmt::format(
            "freed {} in {} and {}", size_text(pruned.result.freed),
            counted(pruned.result.slugs, "slug"), counted(pruned.result.trees, "tree")));
    else if (plan.warnings.empty() &&
             !invocation.arguments.has("all")) // cron would send a mail of that
        invocation.terminal.note(fmt::format("Nothing to prune in {}.", app.name().text()));
    if (invocation.arguments.has("all"))
        return;
    for (const release::Path& folder : slug::kept_in(app.layout.trees()))
        invocation.terminal.note(
            fmt::format("'{}' stays: it has what was changed on this server; see shipit doctor",
                        folder.string()));
}

// Gives whether all that was to go is gone.
bool prune_one(Invocation& invocation, const deploy::App& app, const Asked& asked, Json& all) {
    const bool dry_run = invocation.arguments.has("dry-run");
    const auto lock = dry_run ? app.lock("prune", invocation.patience())
                              : deploy::lock_and_tidy(app, "prune", invocation.patience(),
                                                      deploy::Look::everywhere);
    Pruned pruned{deploy::plan_prune(app, asked.over(deploy::retention_of(app))), {}};
    if (!dry_run) {
        pruned.result = deploy::prune(app, pruned.plan);
    } else {
        for (const std::string& warning : pruned.plan.warnings)
            invocation.terminal.warning(warning);
        pruned.result.failures = pruned.plan.warnings.size(); // as without --dry-run
    }
    all.push_back(json_of(app, pruned, dry_run));
    if (!invocation.terminal.wants_json())
        tell(invocation, app, pruned, dry_run);
    return pruned.result.failures == 0;
}

int prune(Invocation& invocation) {
    const Asked asked(invocation);
    Json all = Json::array();
    Outcome outcome = Outcome::done;
    const bool of_all = asked_for_every_app(invocation);
    if (of_all)
        outcome = in_every_app(invocation, "was not pruned", [&](const deploy::App& app) {
            return prune_one(invocation, app, asked, all) ? Outcome::done : Outcome::failed;
        });
    else if (!prune_one(invocation, invocation.app(), asked, all))
        outcome = Outcome::failed;
    if (invocation.terminal.wants_json())
        invocation.terminal.print_json(of_all ? all : all.items().front());
    return static_cast<int>(outcome);
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
        invocation.terminal.print(
            fmt::format("{}: {}: {}{}", app.name().text(), fault.what, fault.why,
                        fault.releases.empty()
                            ? ""
                            : fmt::format(" (needed by {})", releases_text(fault.releases))));
    if (verified.faults.empty())
        invocation.terminal.note(fmt::format("{}: {} and {} are whole", app.name().text(),
                                             counted(verified.slugs, "slug"),
                                             counted(verified.trees, "tree")));
    return verified.faults.empty();
}

bool verify_named(Invocation& invocation, Json& all) {
    deploy::App app = invocation.app();
    const auto release = invocation.release(app, 0);
    return verify_one(invocation, std::move(app), release, all);
}

int verify(Invocation& invocation) {
    Json all = Json::array();
    const auto outcome_of = [](bool is_well) { return is_well ? Outcome::done : Outcome::corrupt; };
    const bool of_all = asked_for_every_app(invocation);
    const Outcome outcome =
        of_all ? in_every_app(invocation, "was not verified",
                              [&](deploy::App app) {
                                  return outcome_of(
                                      verify_one(invocation, std::move(app), std::nullopt, all));
                              })
               : outcome_of(verify_named(invocation, all));
    if (invocation.terminal.wants_json())
        invocation.terminal.print_json(of_all ? all : all.items().front());
    return static_cast<int>(outcome);
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

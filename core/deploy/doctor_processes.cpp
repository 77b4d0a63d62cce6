// The checks of what is live: its record and files, who supervises it, how its processes are.
#include "core/deploy/doctor_checks.hpp"

#include "core/base/text.hpp"
#include "core/deploy/release_tree.hpp"
#include "core/deploy/status.hpp"
#include "core/slug/store.hpp"
#include "core/supervise/client.hpp"
#include "core/supervise/supervisor.hpp"
#include "core/sys/clock.hpp"
#include "core/sys/process.hpp"

#include <algorithm>

#include <fmt/core.h>

namespace shipit::deploy {

namespace {

constexpr std::chrono::seconds answer_patience(3);

// What it throws is kept: the other checks go on without it.
template <class Look>
void attempt(std::optional<Error>& why_not, Look&& look) {
    try {
        look();
    } catch (const Error& error) {
        why_not = error;
    }
}

std::optional<release::Manifest> live_manifest(const App& app) {
    const auto live = app.ledger.current();
    return live ? std::optional(app.ledger.load(*live)) : std::nullopt;
}

config::Settings settings_now(const App& app, const std::optional<release::Manifest>& live) {
    if (!live || !live->slug)
        return app.host_settings();
    auto settings = settings_of(app, live->slug->id);
    if (!settings)
        throw Error(fmt::format("the files of {} are gone", live->number.text()));
    return *std::move(settings);
}

Json answer_to(const App& app, const char* request) {
    supervise::Client client(app.layout.run_folder());
    return client.demand(Json::object({{"request", request}}), answer_patience);
}

// False also where that is not to be told: for whom a tree is made is in the settings.
bool lacks_tree(const App& app, const SlugId& slug) {
    try {
        return !has_tree(app, slug);
    } catch (const Error&) { // told by check_settings() or check_app_user()
        return false;
    }
}

Finding judge_silence(const Examined& app) {
    const auto holder =
        sys::Lock::holder(app.app.layout.run_folder() / supervise::supervisor_lock_name);
    if (!holder)
        return problem("it cannot be asked: " + app.why_silent->why(),
                       "run shipit as whoever deploys this app");
    return problem(fmt::format("it runs (process {}) and does not answer ({}): nothing can be "
                               "deployed, and what crashes may stay down",
                               holder->pid, app.why_silent->why()),
                   way_out_of_silence(app.app, holder->pid));
}

Finding judge_absence(const Examined& app) {
    if (!app.left_processes.empty())
        return problem(told_of_left(app.app, app.left_processes), way_to_end_lack(app.app));
    return problem("there is none, and none of the app's processes runs", app.command + " start");
}

std::optional<Finding> judge_process(const Examined& app, const Json& process) {
    const std::string state = process["state"].text();
    const std::string name = printable(process["name"].text());
    if (state != "crashed" && state != "hung" && !process["crash_looping"].boolean())
        return std::nullopt;
    const std::string last = process["last_exit"].text();
    return problem(fmt::format("{} of {} is {}, after {} restarts{}", name,
                               printable(process["release"].text()), printable(state),
                               process["restarts"].integer(),
                               last.empty() ? "" : "; last: " + printable(last)),
                   fmt::format("{} logs -p {}; what was live before: {} rollback", app.command,
                               name, app.command));
}

} // namespace

Examined::Examined(const App& examined)
    : app(examined), command(fmt::format("shipit -a {}", examined.name().text())) {
    attempt(why_no_live, [this] { live = live_manifest(app); });
    attempt(why_no_settings, [this] { settings = settings_now(app, live); });
    attempt(why_silent, [this] {
        try {
            is_outdated = answer_to(app, "ping")["outdated"].boolean();
            status = answer_to(app, "status");
            is_supervised = true;
        } catch (const supervise::SupervisorGone&) {
            left_processes = left_processes_of(app);
        }
    });
}

std::vector<pid_t> Examined::processes() const {
    std::vector<pid_t> all = left_processes;
    const auto add = [&all](const Json& json) {
        if (const auto pid = static_cast<pid_t>(json["pid"].integer()); pid > 0)
            add_with_descendants(pid, all);
    };
    add(status);
    for (const Json& process : status["processes"].items())
        add(process);
    return all;
}

bool Examined::has_processes() const {
    return live && !live->spec.processes.empty();
}

bool Examined::is_scaled_to_none() const {
    return has_processes() && settings &&
           std::all_of(live->spec.processes.begin(), live->spec.processes.end(),
                       [this](const ProcessType& type) { return count_of(type, *settings) == 0; });
}

bool Examined::has_process_type(std::string_view name) const {
    return live && std::any_of(live->spec.processes.begin(), live->spec.processes.end(),
                               [name](const ProcessType& type) { return type.name == name; });
}

Findings check_release(const Examined& app) {
    if (app.why_no_live)
        return {problem_of(*app.why_no_live)};
    if (const auto lost = app.app.why_lost())
        return {problem_of(*lost)};
    if (!app.live)
        return {note("nothing is deployed yet", app.command + " deploy BUILD")};
    if (!app.live->slug)
        return {note(app.live->number.text() + " has config vars only, and no slug",
                     app.command + " deploy BUILD")};
    const std::string number = app.live->number.text();
    const slug::Store store(app.app.layout.releases());
    const release::SlugFacts& slug = *app.live->slug;
    if (!store.has(slug.id) || store.size_of(slug.id) != slug.size)
        return {problem(fmt::format("the slug of {}, which is live, is {}: if its tree is lost, it "
                                    "cannot be made again",
                                    number, store.has(slug.id) ? "damaged" : "gone"),
                        app.command + " deploy BUILD")};
    if (lacks_tree(app.app, slug.id))
        return {note(fmt::format("the tree of {}, which is live, is gone or not whole: the next "
                                 "start unpacks it again",
                                 number),
                     app.command + " restart")};
    return {ok(fmt::format("{} is live; its slug and its tree are there ('{} verify --trees' reads "
                           "them)",
                           number, app.command))};
}

Findings check_records(const Examined& app) {
    constexpr std::size_t newest_few = 20;
    const std::string by_itself = "the next command that changes the app finishes it";
    Findings findings;
    for (const release::Entry& entry : app.app.ledger.newest(newest_few)) {
        const std::string number = entry.number.text();
        if (!entry.manifest)
            findings.push_back(problem(entry.complaint, app.command + " verify"));
        else if (entry.manifest->status == release::Status::failed && entry.manifest->deployer)
            findings.push_back(note(number + " was interrupted, and its record is not finished",
                                    "nothing: " + by_itself));
        else if (entry.manifest->status == release::Status::succeeded && entry.manifest->deployer)
            findings.push_back(note(number + " went live, and what its deployer does after that is "
                                             "not done",
                                    "nothing, if that is still at work; else " + by_itself));
    }
    if (findings.empty())
        findings.push_back(ok("those of the newest releases can be read and are finished"));
    return findings;
}

Findings check_lock(const Examined& app) {
    const auto holder = sys::Lock::holder(app.app.layout.lock());
    if (!holder)
        return {};
    return {note("held by " + holder->text(sys::now()),
                 "wait for that command, or see what it waits for")};
}

Findings check_supervisor(const Examined& app) {
    if (app.why_silent)
        return {judge_silence(app)};
    const bool is_missed = app.has_processes() && !app.is_scaled_to_none() && !app.app.is_stopped();
    if (!app.is_supervised && (is_missed || !app.left_processes.empty()))
        return {judge_absence(app)};
    if (!app.is_supervised)
        return {};
    const auto pid = app.status["pid"].integer();
    if (app.is_outdated)
        return {note(fmt::format("process {} is an older shipit's: the next command that changes "
                                 "something makes it the new one",
                                 pid),
                     fmt::format("to have it now: kill -HUP {}", pid))};
    const std::string why_no_cgroups = app.status["why_no_cgroups"].text();
    return {ok(fmt::format(
        "process {} answers{}", pid,
        why_no_cgroups.empty() ? "" : "; it works without control groups: " + why_no_cgroups))};
}

Findings check_processes(const Examined& app) {
    if (app.app.is_stopped())
        return {note("stopped, by 'shipit stop'", app.command + " start")};
    if (app.is_scaled_to_none())
        return {note("scaled to none", fmt::format("{} scale {}=1", app.command,
                                                   app.has_process_type("web")
                                                       ? "web"
                                                       : app.live->spec.processes.front().name))};
    Findings findings;
    std::vector<std::string> states;
    std::vector<ProcessFacts> facts;
    for (const Json& process : app.status["processes"].items()) {
        states.push_back(fmt::format("{} {}", process["name"].text(), process["state"].text()));
        if (auto finding = judge_process(app, process))
            findings.push_back(std::move(*finding));
        facts.push_back(facts_from(process));
    }
    if (const auto stand_in = app.live ? stand_in_for(app.live->number, facts) : std::nullopt)
        findings.push_back(
            problem(told_of_stand_in(app.live->number, *stand_in), app.command + " rollback"));
    const bool none_runs = std::all_of(states.begin(), states.end(), [](const std::string& state) {
        return state.ends_with(" stopped");
    });
    if (app.is_supervised && app.has_processes() && none_runs)
        findings.push_back(problem("none of them runs", app.command + " start"));
    if (findings.empty() && !states.empty())
        findings.push_back(ok(joined(states, ", ")));
    return findings;
}

} // namespace shipit::deploy

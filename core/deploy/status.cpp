#include "core/deploy/status.hpp"

#include "core/base/text.hpp"
#include "core/deploy/bless.hpp"
#include "core/supervise/client.hpp"
#include "core/supervise/saved_state.hpp"
#include "core/sys/clock.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/core.h>

namespace shipit::deploy {

namespace {

constexpr std::size_t most_moments = 8;

bool has_process_types(const AppStatus& status) {
    return status.manifest && !status.manifest->spec.processes.empty();
}

AppState state_of(const App& app, const AppStatus& status) {
    if (!status.current && status.complaint)
        return AppState::damaged;
    if (!status.current)
        return AppState::nothing_deployed;
    if (app.is_stopped())
        return AppState::stopped;
    if (!status.has_processes && !status.complaint)
        return has_process_types(status) ? AppState::scaled_to_none : AppState::files_only;
    if (status.is_silent)
        return AppState::supervisor_hangs;
    if (!status.is_supervised) // they may well serve: processes outlive their supervisor
        return AppState::not_supervised;
    // Neither those of the release before, nor those that a restart or a scale has replaced: they
    // are kept warm for a while, or on their way out.
    const auto is_live = [&](const ProcessStatus& process) {
        return process.facts.release == status.current && process.facts.is_wanted();
    };
    const auto live = std::count_if(status.processes.begin(), status.processes.end(), is_live);
    const auto up =
        std::count_if(status.processes.begin(), status.processes.end(), [&](const auto& process) {
            return is_live(process) && process.facts.state == "up";
        });
    if (up == 0)
        return AppState::down;
    return up == live ? AppState::up : AppState::partly_up;
}

const ProcessStatus* find(const AppStatus* status, int pid) {
    if (status == nullptr)
        return nullptr;
    const auto found =
        std::find_if(status->processes.begin(), status->processes.end(),
                     [pid](const ProcessStatus& process) { return process.facts.pid == pid; });
    return found != status->processes.end() ? &*found : nullptr;
}

void measure(std::vector<ProcessStatus>& processes, const AppStatus* before) {
    for (ProcessStatus& process : processes) {
        if (process.facts.pid > 0)
            process.usage = sys::usage_of(process.facts.pid);
        const ProcessStatus* earlier = find(before, process.facts.pid);
        if (process.usage)
            process.processors =
                process.usage->processors(earlier != nullptr ? earlier->usage : std::nullopt);
    }
}

// Among few, each of which is a file to read.
std::optional<release::Manifest> stored_since(const App& app,
                                              const std::optional<ReleaseNumber>& live) {
    constexpr std::size_t most = 5;
    for (release::Entry& entry : app.ledger.newest(most))
        if (live && entry.number <= *live)
            break;
        else if (entry.manifest && entry.manifest->is_stored())
            return std::move(entry.manifest);
    return std::nullopt;
}

Json json_of_time(const std::optional<WallTime>& time) {
    return time ? Json(time_text(*time)) : Json();
}

Json release_json(const App& app, const release::Manifest& manifest) {
    const auto good = app.marks.get(release::MarkKind::good, manifest.number);
    Json json = Json::object({{"version", manifest.number.text()},
                              {"description", manifest.description},
                              {"user", manifest.created_by},
                              {"live_at", json_of_time(manifest.evidence.live_at)}});
    json.set("good_at", good ? Json(time_text(good->at)) : Json());
    json.set("bad", app.marks.has(release::MarkKind::bad, manifest.number));
    json.set("trial_ends", json_of_time(trial_end(app, manifest.number)));
    json.set("healthy_after_ms", manifest.evidence.healthy_after
                                     ? Json(manifest.evidence.healthy_after->count())
                                     : Json());
    return json;
}

void look_at_processes(const App& app, AppStatus& status) {
    try {
        for (ProcessFacts& facts : processes(app))
            status.processes.push_back({std::move(facts), {}, 0});
        status.is_supervised = is_supervised(app);
        if (!status.is_supervised)
            status.left = left_processes_of(app);
    } catch (const supervise::SupervisorSilent& silence) {
        status.is_silent = true;
        status.complaint = silence;
    }
}

void look_at_release(const App& app, AppStatus& status) {
    try {
        status.has_processes = !status.processes.empty();
        status.current = app.ledger.current();
        if (status.current)
            status.manifest = app.ledger.load(*status.current);
        else if (!status.complaint)
            status.complaint = app.why_lost();
        status.has_processes = live_generation(app).has_value();
    } catch (const Error& error) {
        if (!status.complaint)
            status.complaint = error;
    }
}

std::optional<ReleaseNumber> stand_in(const AppStatus& status) {
    std::vector<ProcessFacts> processes;
    for (const ProcessStatus& process : status.processes)
        processes.push_back(process.facts);
    return status.current ? stand_in_for(*status.current, processes) : std::nullopt;
}

AppStatus looked_at(const App& app, const AppStatus* before) {
    AppStatus status = glance_at(app);
    if (status.state == AppState::another_users)
        return status;
    measure(status.processes, before);
    status.holder = sys::Lock::holder(app.layout.lock());
    status.stored = stored_since(app, status.current);
    try {
        status.lately = latest_moments(app, status.current, most_moments);
    } catch (const Error& error) {
        if (!status.complaint)
            status.complaint = error;
    }
    return status;
}

} // namespace

const char* name_of(AppState state) {
    switch (state) {
    case AppState::up:
        return "up";
    case AppState::partly_up:
        return "partly up";
    case AppState::down:
        return "down";
    case AppState::stopped:
        return "stopped";
    case AppState::scaled_to_none:
        return "scaled to none";
    case AppState::files_only:
        return "files only";
    case AppState::not_supervised:
        return "not supervised";
    case AppState::supervisor_hangs:
        return "supervisor hangs";
    case AppState::nothing_deployed:
        return "nothing deployed";
    case AppState::damaged:
        return "damaged";
    case AppState::another_users:
        return "another user's";
    }
    return "";
}

Json ProcessStatus::json() const {
    constexpr double precision = 10; // of a percentage
    Json json = facts.json();
    if (!usage)
        return json;
    return json.set(
        "usage",
        Json::object({{"processes", std::uint64_t{usage->processes}},
                      {"memory", usage->memory},
                      {"cpu_ms", std::int64_t{usage->cpu.count()}},
                      {"cpu_percent", std::round(processors * 100 * precision) / precision}}));
}

void add_with_descendants(pid_t pid, std::vector<pid_t>& all) {
    all.push_back(pid);
    const auto below = sys::descendants_of(pid);
    all.insert(all.end(), below.begin(), below.end());
}

std::vector<pid_t> left_processes_of(const App& app) {
    const sys::Path run_folder = app.layout.run_folder();
    std::vector<pid_t> left;
    if (!sys::is_there(run_folder))
        return left;
    for (const auto& saved : supervise::readable_state(run_folder).processes)
        add_with_descendants(saved.process.main.pid, left);
    if (left.empty())
        for (const auto& unsaved : supervise::unsaved_processes(run_folder, {}))
            add_with_descendants(unsaved.pid, left);
    return left;
}

std::string told_of_left(const App& app, const std::vector<pid_t>& left) {
    std::vector<std::string> pids;
    for (const pid_t pid : left)
        pids.push_back(std::to_string(pid));
    const std::string all = joined(pids, ", ");
    if (app.is_stopped())
        return "the app is stopped, and processes of an earlier supervisor go on: " + all;
    return fmt::format("there is no supervisor any more: processes of an earlier one go on ({}), "
                       "and what crashes stays down",
                       all);
}

std::string way_to_end_lack(const App& app) {
    return fmt::format("shipit -a {} {}", app.name().text(), app.is_stopped() ? "stop" : "start");
}

std::string told_of_stand_in(ReleaseNumber live, ReleaseNumber stand_in) {
    return fmt::format("{}, which is live, failed within its watch window and is not rolled back: "
                       "{} gets the requests for now",
                       live.text(), stand_in.text());
}

AppStatus glance_at(const App& app) {
    AppStatus status;
    status.at = sys::now();
    if (!app.is_ours()) {
        status.current = app.ledger.current();
        status.state = AppState::another_users;
        return status;
    }
    look_at_processes(app, status);
    look_at_release(app, status);
    status.stand_in = stand_in(status);
    status.state = state_of(app, status);
    return status;
}

AppStatus status_of(const App& app, const AppStatus* before) {
    try {
        return looked_at(app, before);
    } catch (const Error&) {
        (void)App::open(app.host, app.name()); // else it was destroyed meanwhile, which this tells
        throw;
    }
}

Json json_of(const App& app, const AppStatus& status) {
    Json processes = Json::array();
    for (const ProcessStatus& process : status.processes)
        processes.push_back(process.json());
    Json lately = Json::array();
    for (const Moment& moment : status.lately)
        lately.push_back(moment.json());
    Json json =
        Json::object({{"app", app.name().text()},
                      {"at", time_text(status.at)},
                      {"state", name_of(status.state)},
                      {"current", status.current ? Json(status.current->text()) : Json()},
                      {"release", status.manifest ? release_json(app, *status.manifest) : Json()},
                      {"stored", status.stored ? Json(status.stored->number.text()) : Json()},
                      {"supervised", app.is_ours() ? Json(status.is_supervised) : Json()},
                      {"locked_by", status.holder ? Json(status.holder->text(status.at)) : Json()},
                      {"processes", processes},
                      {"lately", lately}});
    if (!status.left.empty()) {
        Json left = Json::array();
        for (const pid_t pid : status.left)
            left.push_back(std::int64_t{pid});
        json.set("unsupervised", left);
    }
    if (status.stand_in)
        json.set("serving_instead", status.stand_in->text());
    if (status.complaint)
        json.set("complaint", status.complaint->why());
    return json;
}

} // namespace shipit::deploy

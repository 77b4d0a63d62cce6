#include "core/deploy/running.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/aftermath.hpp"
#include "core/deploy/environment.hpp"
#include "core/deploy/release_tree.hpp"
#include "core/deploy/service.hpp"
#include "core/supervise/client.hpp"
#include "core/supervise/detach.hpp"
#include "core/supervise/saved_state.hpp"
#include "core/supervise/socket_path.hpp"
#include "core/supervise/supervisor.hpp"
#include "core/supervise/unix_slots.hpp"
#include "core/sys/clock.hpp"
#include "core/sys/interrupt.hpp"
#include "core/sys/process.hpp"

#include <fmt/core.h>
#include <unistd.h>

namespace shipit::deploy {

namespace {

constexpr std::chrono::seconds answer_patience(10);

// The supervisor holds its lock for as long as it lives, and it lives for as long as its processes.
void wait_for_its_end(const App& app) {
    const sys::LockHolder self{app.host.origin.text(), "stop", sys::now(), ::getpid()};
    const sys::Lock gone(app.layout.run_folder() / supervise::supervisor_lock_name, self,
                         std::chrono::hours(1));
}

// With the process that is silent, and what to do about it.
supervise::SupervisorSilent told_of_process(const App& app,
                                            const supervise::SupervisorSilent& silence) {
    const auto holder =
        sys::Lock::holder(app.layout.run_folder() / supervise::supervisor_lock_name);
    if (!holder)
        return silence;
    supervise::SupervisorSilent error(fmt::format("{} (process {})", silence.why(), holder->pid),
                                      silence.outcome());
    error.advise(way_out_of_silence(app, holder->pid));
    return error;
}

supervise::Program program_of(const ProcessType& type, const std::string& name,
                              const Surroundings& surroundings, const ConfigVars& config,
                              const sys::Path& tree) {
    supervise::Program program;
    program.name = name;
    program.type = type.name;
    program.command = type.command;
    program.environment = environment_of(surroundings, config, name);
    program.folder = tree;
    program.stop_signal = supervise::signal_from(type.stop_signal).value();
    program.stop_timeout = type.stop_timeout;
    program.notify = type.notify;
    program.watchdog = type.watchdog;
    return program;
}

// Those of type web are what listens.
std::vector<supervise::TcpAddress> sockets_of(const ProcessType& type,
                                              const supervise::Generation& generation,
                                              const config::AppSettings& settings) {
    std::vector<supervise::TcpAddress> sockets;
    if (settings.listen_fds && type.name == "web" && generation.socket.empty())
        for (const std::uint16_t port : generation.all_ports())
            sockets.push_back(supervise::TcpAddress::of(settings.listen, port).value());
    return sockets;
}

// Its health is asked there, and no longer on the port.
void listen_on_socket(const App& app, const config::AppSettings& settings,
                      supervise::Generation& generation) {
    generation.socket = app.layout.socket(settings.socket());
    generation.ports = generation.all_ports();
    generation.port.reset();
    const auto size = supervise::told_name(generation.socket, supervise::Side::a).string().size();
    if (size > supervise::longest_socket_name)
        throw Error(fmt::format("'{}' is too long for a Unix socket: {} bytes of {}",
                                generation.socket.string(), size, supervise::longest_socket_name),
                    Outcome::usage);
}

std::vector<std::string> supervise_command(const App& app) {
    return {sys::own_program().string(), "--root", app.host.root.string(), "supervise",
            app.name().text()};
}

void start_supervisor(const App& app) {
    if (start_as_service(app))
        return;
    sys::make_folders(app.layout.run_folder(), 0700);
    supervise::spawn_detached(supervise_command(app), app.layout.run_folder(),
                              app.layout.log() / supervise::supervisor_log_name, answer_patience);
}

// By a supervisor that starts nothing, and ends when they have: if this command is killed
// meanwhile, it leaves nothing that would have to be undone.
void end_what_is_left(const App& app) {
    std::vector<std::string> command = supervise_command(app);
    command.emplace_back("--end");
    supervise::run_detached(command, app.layout.log() / supervise::supervisor_log_name);
}

Json demanded(const App& app, const Json& request, std::chrono::milliseconds patience) {
    supervise::Client client(app.layout.run_folder());
    try {
        return client.demand(request, patience);
    } catch (const supervise::SupervisorSilent& silence) {
        throw told_of_process(app, silence);
    }
}

// The last answer, however long it takes; ^C ends the wait, and leaves the supervisor to do it:
// what goes on being `started`, stopped or restarted is recorded as if it were.
Json answer_unless_interrupted(const App& app, const Json& request, const char* started) {
    constexpr std::chrono::milliseconds pause(100);
    supervise::Client client(app.layout.run_folder());
    client.send(request);
    try {
        for (;;) {
            sys::stop_if_interrupted();
            if (auto answer = client.next(pause); answer && (*answer)["done"].boolean())
                return *answer;
        }
    } catch (sys::Interrupted& interrupted) {
        const std::string process = request["process"].text();
        app.note_event(request["request"].text(), app.ledger.current(), name_of(Outcome::done),
                       process + (process.empty() ? "" : "; ") + "its end was not waited for");
        interrupted.advise(fmt::format("nothing: '{}' goes on being {}",
                                       process.empty() ? app.name().text() : printable(process),
                                       started));
        throw;
    }
}

// That there is none is none of its business.
void require_sign_of_life(const App& app) {
    try {
        (void)demanded(app, Json::object({{"request", "ping"}}), answer_patience);
    } catch (const supervise::SupervisorGone&) {
    }
}

// Gives whether there was something to end.
bool end_one_supervisor(const App& app) {
    if (!renew_supervisor(app)) {
        const bool is_left = supervise::has_left_processes(app.layout.run_folder());
        if (is_left)
            end_what_is_left(app);
        return is_left;
    }
    try {
        (void)demanded(app, Json::object({{"request", "shutdown"}}), std::chrono::minutes(1));
        wait_for_its_end(app);
    } catch (const supervise::SupervisorGone&) { // killed: the next one ends what it has left
    }
    return true;
}

// Of an app that is marked as stopped: one that takes over what a killed one has left ends it.
// Gives whether there is one; else nothing of the app runs.
bool reach_supervisor_to_end(const App& app) {
    if (renew_supervisor(app))
        return true;
    if (!supervise::has_left_processes(app.layout.run_folder()))
        return false;
    start_supervisor(app);
    return true;
}

// By itself, beside those that go on.
void restart_process(App& app, const std::string& process, std::chrono::milliseconds patience) {
    const auto lock = lock_and_tidy(app, "restart", patience);
    (void)app.live();
    if (app.is_stopped())
        throw Error(fmt::format("'{}' is stopped", app.name().text()))
            .advise(fmt::format("shipit -a {} start", app.name().text()));
    ensure_live_tree(app); // also for a supervisor that is there
    if (!live_generation(app))
        throw Error(fmt::format("'{}' has no processes to restart", app.name().text()));
    require_sign_of_life(app);
    ensure_supervisor(app);
    const Json answer = answer_unless_interrupted(
        app, Json::object({{"request", "restart"}, {"process", process}}), "restarted");
    (void)supervise::Client::accepted(answer);
    app.note_event("restart", app.ledger.current(), name_of(Outcome::done), process);
}

} // namespace

std::string way_out_of_silence(const App& app, int pid) {
    return fmt::format("kill -KILL {} (the app's processes go on); then shipit -a {} start", pid,
                       app.name().text());
}

ProcessFacts facts_from(const Json& json) {
    ProcessFacts facts;
    facts.name = json["name"].text();
    facts.type = json["type"].text();
    facts.state = json["state"].text();
    facts.release = ReleaseNumber::parse(json["release"].text());
    facts.pid = static_cast<int>(json["pid"].integer());
    facts.since = parse_time(json["since"].text());
    facts.restarts = static_cast<std::uint64_t>(json["restarts"].integer());
    facts.last_exit = json["last_exit"].text();
    facts.said = json["said"].text();
    facts.resident = static_cast<std::uint64_t>(json["memory"].integer());
    facts.peak = static_cast<std::uint64_t>(json["peak"].integer());
    facts.command = json["command"].text();
    return facts;
}

bool ProcessFacts::is_wanted() const {
    return state != "warm" && state != "stopping" && state != "stopped";
}

std::optional<ReleaseNumber> stand_in_for(ReleaseNumber live,
                                          const std::vector<ProcessFacts>& processes) {
    std::optional<ReleaseNumber> found;
    for (const ProcessFacts& process : processes) {
        if (!process.release || !process.is_wanted())
            continue;
        if (*process.release == live)
            return std::nullopt;
        if (*process.release < live && process.state == "up")
            found = process.release;
    }
    return found;
}

Json ProcessFacts::json() const {
    return Json::object({{"process", name},
                         {"type", type},
                         {"state", state},
                         {"release", release ? Json(release->text()) : Json()},
                         {"pid", pid},
                         {"since", since ? Json(time_text(*since)) : Json()},
                         {"restarts", restarts},
                         {"last_exit", last_exit},
                         {"said", said},
                         {"memory", resident},
                         {"peak_memory", peak},
                         {"command", command}});
}

Surroundings surroundings_of(const App& app, const release::Manifest& manifest,
                             const config::Settings& settings) {
    const auto user = app.account(settings.app);
    return {app.name(), manifest.number, manifest.slug.value().id,
            user ? *user : sys::own_account(), settings.app.port};
}

// How many processes of a type run is this host's to say, today: no release brings it back.
unsigned count_of(const ProcessType& type, const config::Settings& settings) {
    for (const ProcessType& todays : settings.spec.processes)
        if (todays.name == type.name)
            return todays.count;
    return type.count;
}

supervise::Generation generation_of(const App& app, const release::Manifest& manifest,
                                    const sys::Path& tree) {
    const config::Settings settings = app.settings_of_tree(tree);
    const auto user = app.account(settings.app);
    const Surroundings surroundings = surroundings_of(app, manifest, settings);
    supervise::Generation generation{manifest.number, {}, manifest.spec.health, settings.app.port};
    generation.warm = manifest.spec.health.warm.value_or(manifest.spec.health.watch);
    generation.ports = settings.app.ports;
    generation.hands_over = settings.app.hands_over;
    if (!settings.app.socket().empty())
        listen_on_socket(app, settings.app, generation);
    for (const ProcessType& type : manifest.spec.processes)
        for (unsigned i = 1; i <= count_of(type, settings); ++i) {
            generation.programs.push_back(program_of(type, fmt::format("{}.{}", type.name, i),
                                                     surroundings, manifest.config, tree));
            generation.programs.back().user = user;
            generation.programs.back().sockets = sockets_of(type, generation, settings.app);
            // What listens can be handed over; two workers at once might do work twice.
            generation.programs.back().overlaps =
                type.overlap ||
                (type.name == "web" && (settings.app.port || !generation.socket.empty()));
            if (type.name == "web" && !generation.socket.empty()) {
                generation.programs.back().socket = generation.socket;
                generation.programs.back().is_given_socket = settings.app.listen_fds;
            }
        }
    return generation;
}

std::optional<supervise::Generation> live_generation(const App& app) {
    const auto live = app.ledger.current();
    if (!live || app.is_stopped())
        return std::nullopt;
    const release::Manifest manifest = app.ledger.load(*live);
    if (!manifest.slug)
        return std::nullopt;
    auto generation = generation_of(app, manifest, app.layout.tree(manifest.slug->id));
    if (generation.programs.empty())
        return std::nullopt;
    return generation;
}

bool is_supervised(const App& app) {
    return supervise::Client::answers(app.layout.run_folder(), answer_patience);
}

bool renew_supervisor(const App& app) {
    bool stays = false;
    try {
        const Json answer = demanded(app, Json::object({{"request", "ping"}}), answer_patience);
        stays = !answer["ending"].boolean();
        if (!stays) {
            app.host.progress.begin_phase("waiting for the processes that are being stopped");
            wait_for_its_end(app);
        } else if (answer["outdated"].boolean())
            (void)demanded(app, Json::object({{"request", "renew"}}), answer_patience);
    } catch (const supervise::SupervisorSilent&) {
        if (!stays) // it is not even there to be asked
            throw;
    } catch (const Error&) { // its log has the reason; the one that is there will do
    }
    return stays;
}

void ensure_supervisor(const App& app) {
    // Its answer tells, not its socket: that of one that was just killed still takes connections.
    if (renew_supervisor(app))
        return;
    ensure_live_tree(app); // here, since its own process would wait for our lock
    start_supervisor(app);
}

bool has_lost_supervisor(const App& app) {
    return supervise::has_left_processes(app.layout.run_folder()) && !is_supervised(app);
}

void end_supervisor(const App& app) {
    constexpr int most = 5; // of them: each is killed before it is done by nobody's mistake
    for (int count = 0; end_one_supervisor(app); ++count)
        if (count == most)
            throw Error(fmt::format("the supervisor of '{}' ends before its processes do, again "
                                    "and again",
                                    app.name().text()))
                .advise(fmt::format("see '{}'",
                                    (app.layout.log() / supervise::supervisor_log_name).string()));
}

std::vector<ProcessFacts> processes(const App& app) {
    std::vector<ProcessFacts> result;
    try {
        const Json answer = demanded(app, Json::object({{"request", "status"}}), answer_patience);
        for (const Json& each : answer["processes"].items())
            result.push_back(facts_from(each));
    } catch (const supervise::SupervisorGone&) { // also while it was being asked
    }
    return result;
}

void start(App& app, std::chrono::milliseconds patience) {
    const auto lock = lock_and_tidy(app, "start", patience);
    (void)app.live();
    require_sign_of_life(app);
    ensure_live_tree(app); // also for a supervisor that is there
    app.set_stopped(false);
    if (!live_generation(app))
        throw Error(fmt::format("'{}' has no processes to start", app.name().text()));
    ensure_supervisor(app);
    const Json answer =
        answer_unless_interrupted(app, Json::object({{"request", "start"}}), "started");
    (void)supervise::Client::accepted(answer);
    app.note_event("start", app.ledger.current(), name_of(Outcome::done));
}

bool bring_up(App& app, std::chrono::milliseconds patience) {
    const auto lock = app.lock("start", patience);
    if (!live_generation(app))
        return false;
    ensure_supervisor(app);
    return true;
}

void take_down(App& app, std::chrono::milliseconds patience) {
    const auto lock = app.lock("stop", patience);
    end_supervisor(app);
}

void stop(App& app, std::chrono::milliseconds patience) {
    const auto lock = lock_and_tidy(app, "stop", patience);
    require_sign_of_life(app);
    const bool was_stopped = app.is_stopped();
    app.set_stopped(true);
    if (reach_supervisor_to_end(app)) {
        const Json answer =
            answer_unless_interrupted(app, Json::object({{"request", "stop"}}), "stopped");
        if (!answer["ok"].boolean()) { // so all goes on
            app.set_stopped(was_stopped);
            throw Error(answer["why"].text("the supervisor refused"));
        }
    }
    app.note_event("stop", app.ledger.current(), name_of(Outcome::done));
}

Changed restart(App& app, const std::string& process, const ChangeOptions& options) {
    if (!process.empty()) {
        restart_process(app, process, options.lock_patience);
        return {};
    }
    Change change;
    change.what = "restart";
    change.attempt = fmt::format("restarting '{}'", app.name().text());
    change.plan = [](App& locked) -> std::optional<Plan> {
        const ReleaseNumber live = locked.live();
        Plan plan{locked.ledger.load(live)};
        plan.is_recorded = false;
        plan.was_good = locked.marks.get(release::MarkKind::good, live).has_value();
        return plan;
    };
    Changed changed = carry_out_or_go_back(app, change, options);
    if (!changed.watch_failure.empty())
        throw Error(fmt::format("{} was restarted and failed within its watch window: {}",
                                changed.release->text(), changed.watch_failure))
            .advise(fmt::format("shipit -a {} logs --release {}", app.name().text(),
                                changed.release->text()));
    return changed;
}

} // namespace shipit::deploy

// The body of `shipit supervise`: a supervisor whose answers come from the ledger.
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/bless.hpp"
#include "core/deploy/evidence.hpp"
#include "core/deploy/release_tree.hpp"
#include "core/deploy/rollback.hpp"
#include "core/deploy/running.hpp"
#include "core/supervise/detach.hpp"
#include "core/supervise/supervisor.hpp"
#include "core/sys/clock.hpp"
#include "core/sys/process.hpp"

#include <fmt/core.h>

namespace shipit::deploy {

namespace {

// For other commands to end: a failed watch is told once, the end of a trial again and again.
constexpr const char* as_long_as_any_takes = "--wait=1d";
constexpr const char* until_told_again = "--wait=10m";

// The command that deployed the failed release is gone, so nobody else takes it back. `shipit
// rollback --automatic` goes the path of every change, beside the supervisor's own processes.
void roll_back_alone(const App& app, ReleaseNumber failed, const std::string& why, const char* wait,
                     const char* unless = nullptr) {
    std::vector<std::string> words{sys::own_program().string(),
                                   "--root",
                                   app.host.root.string(),
                                   "-a",
                                   app.name().text(),
                                   "rollback",
                                   "--automatic",
                                   "--failed=" + failed.text(),
                                   "--no-wait",
                                   wait,
                                   "--quiet"};
    if (unless != nullptr)
        words.emplace_back(unless);
    supervise::spawn_aside(words, app.layout.log() / supervise::supervisor_log_name,
                           {fmt::format("{}={}", automatic_why, why)});
}

// What a person has stopped stays so until a person starts it, and goes back then.
void on_trial_over(const App& app, ReleaseNumber release) {
    if (app.is_stopped())
        return;
    const auto trial = app.ledger.load(release).trial.value_or(std::chrono::milliseconds(0));
    const std::string why =
        fmt::format("the trial of {} ended without `shipit bless`", duration_text(trial));
    app.note_event("trial_over", release, name_of(Outcome::failed), why);
    roll_back_alone(app, release, why, until_told_again, "--unless-good");
}

// Only what brings something new is taken back, and only once: a rollback never is. Nor is what was
// good before, of which the supervisor says so.
bool is_to_go_back(const App& app, ReleaseNumber release) {
    if (app.ledger.current() != release)
        return false;
    const release::Manifest manifest = app.ledger.load(release);
    return !manifest.rollback_of && !manifest.config_of;
}

// A command that goes back by itself may be killed before it has.
void on_watch_failed(const App& app, ReleaseNumber release, const std::string& why,
                     supervise::Told told) {
    const bool goes_back = told != supervise::Told::who_stays && is_to_go_back(app, release);
    app.note_event("watch_failed", release, name_of(Outcome::failed), why);
    if (goes_back)
        roll_back_alone(app, release, why, as_long_as_any_takes,
                        told == supervise::Told::who_goes_back ? "--after-deploy" : nullptr);
}

// The supervisor cannot wait for it.
void tell_crash_hook(const App& app, ReleaseNumber release, const std::string& process) {
    supervise::spawn_aside({sys::own_program().string(), "--root", app.host.root.string(), "-a",
                            app.name().text(), "hook", "--process=" + process, "crashed",
                            release.text()},
                           app.layout.log() / supervise::supervisor_log_name);
}

} // namespace

void supervise_app(App& app, std::optional<int> inherited) {
    if (inherited && supervise::is_rehearsal(*inherited)) {
        (void)live_generation(app); // whatever would be needed to go on
        return;
    }
    if (!inherited)
        ensure_live_tree_alone(app); // after a power cut
    if (!inherited && !sys::is_there(app.layout.log()))
        (void)app.lock("start", std::chrono::minutes(10)); // which makes it
    if (!inherited)
        release::OrderNote::withdraw(app.layout.order_note());
    sys::make_folders(app.layout.run_folder(), 0700);
    supervise::SupervisorOptions options;
    options.inherited = inherited.value_or(-1);
    options.successor = [&app, program = sys::own_program().string()](int descriptor) {
        return std::vector<std::string>{
            program,           "--root",   app.host.root.string(),    "supervise",
            app.name().text(), "--resume", std::to_string(descriptor)};
    };
    options.run_folder = app.layout.run_folder();
    options.log_folder = app.layout.log();
    options.live = [&app] { return live_generation(app); };
    options.needs_watch = [&app](ReleaseNumber release) {
        return !app.marks.get(release::MarkKind::good, release).has_value();
    };
    options.trial_end = [&app](ReleaseNumber release) { return trial_end(app, release); };
    options.on_trial_over = [&app](ReleaseNumber release) { on_trial_over(app, release); };
    options.witness = witness_for(app);
    options.on_good = [&app](ReleaseNumber release) {
        if (trial_end(app, release) || app.marks.has(release::MarkKind::bad, release))
            return; // a person is to say so, or has said otherwise
        app.marks.set(release::MarkKind::good, release,
                      {"shipit", sys::now(), "stayed well through its watch"});
        app.note_event("good", release, name_of(Outcome::done));
    };
    options.on_watch_failed = [&app](ReleaseNumber release, const std::string& why,
                                     supervise::Told told) {
        on_watch_failed(app, release, why, told);
    };
    options.on_crash_loop = [&app](ReleaseNumber release, const std::string& process) {
        app.note_event("crashed", release, name_of(Outcome::failed),
                       fmt::format("{} keeps crashing", process));
        tell_crash_hook(app, release, process);
    };
    supervise::Supervisor(options).run();
}

void end_left_processes(const App& app) {
    supervise::SupervisorOptions options;
    options.run_folder = app.layout.run_folder();
    options.log_folder = app.layout.log();
    options.live = [] { return std::nullopt; };
    options.only_ends = true;
    supervise::Supervisor(std::move(options)).run();
}

} // namespace shipit::deploy

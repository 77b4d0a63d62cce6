// The body of `shipit supervise`: a supervisor whose answers come from the ledger.
#include "core/base/error.hpp"
#include "core/deploy/running.hpp"
#include "core/supervise/supervisor.hpp"
#include "core/sys/clock.hpp"

#include <csignal>

#include <fmt/core.h>
#include <sys/wait.h>
#include <unistd.h>

namespace shipit::deploy {

namespace {

// What the release that failed was watched for is nobody's job any more: the command that deployed
// it is gone. `shipit rollback --automatic` goes the path of every change; it must not be a child
// that the supervisor would take for a stray, so it is forked twice and has a session of its own.
void roll_back_alone(const App& app, const std::string& why) {
    const std::vector<std::string> words{
        "/proc/self/exe",  "--root",   app.host.root.string(), "-a",
        app.name().text(), "rollback", "--automatic=" + why,   "--no-wait",
        "--wait=10m",      "--quiet"};
    std::vector<char*> argv;
    for (const std::string& word : words)
        argv.push_back(const_cast<char*>(word.c_str())); // execv(3) does not write there
    argv.push_back(nullptr);
    const pid_t child = ::fork();
    if (child < 0)
        throw_errno("cannot start the automatic rollback");
    if (child == 0) {
        if (::setsid() >= 0 && ::fork() == 0)
            ::execv(argv.front(), argv.data());
        ::_exit(0);
    }
    (void)::waitpid(child, nullptr, 0);
}

// Only what brings something new is taken back, and only once: a rollback never is.
void on_watch_failed(const App& app, ReleaseNumber release, const std::string& why,
                     bool client_told) {
    app.note_event("watch_failed", release, name_of(Outcome::failed), why);
    if (client_told || app.ledger.current() != release || app.ledger.load(release).rollback_of)
        return;
    roll_back_alone(app, why);
}

} // namespace

void supervise_app(App& app) {
    sys::make_folders(app.layout.run_folder(), 0700);
    supervise::SupervisorOptions options;
    options.run_folder = app.layout.run_folder();
    options.log_folder = app.layout.log();
    options.live = [&app] { return live_generation(app); };
    options.on_good = [&app](ReleaseNumber release) {
        app.marks.set(release::MarkKind::good, release,
                      {"shipit", sys::now(), "stayed well through its watch"});
        app.note_event("good", release, name_of(Outcome::done));
    };
    options.on_watch_failed = [&app](ReleaseNumber release, const std::string& why,
                                     bool client_told) {
        on_watch_failed(app, release, why, client_told);
    };
    options.on_crash_loop = [&app](ReleaseNumber release, const std::string& process) {
        app.note_event("crashed", release, name_of(Outcome::failed),
                       fmt::format("{} keeps crashing", process));
    };
    supervise::Supervisor(options).run();
}

} // namespace shipit::deploy

#include "core/deploy/release_command.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/config/config_vars.hpp"
#include "core/deploy/environment.hpp"
#include "core/deploy/running.hpp"
#include "core/slug/build.hpp"
#include "core/supervise/run_once.hpp"
#include "core/sys/interrupt.hpp"

#include <filesystem>

#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

namespace shipit::deploy {

namespace {

supervise::OnceEnd started(const supervise::Program& program, milliseconds timeout,
                           const std::string& called, const OnOutput& on_output) {
    try {
        return supervise::run_once(program, timeout, on_output);
    } catch (const Error& error) {
        throw Error(fmt::format("{} could not be started: {}", called, error.why()),
                    Outcome::release_failed);
    }
}

supervise::OnceEnd run_in_time(const supervise::Program& program, milliseconds timeout,
                               const std::string& called, const OnOutput& on_output) {
    supervise::OnceEnd end = started(program, timeout, called, on_output);
    if (end.interrupted_by != 0)
        throw sys::Interrupted(end.interrupted_by);
    if (end.timed_out)
        throw Error(fmt::format("{} took longer than {}", called, duration_text(timeout)),
                    Outcome::release_failed);
    return end;
}

void require_success(const supervise::OnceEnd& end, const std::string& called) {
    if (end.code != 0)
        throw Error(fmt::format("{} {}", called, end.how), Outcome::release_failed);
}

constexpr const char* reload_process = "reload"; // its SHIPIT_PROCESS

void run_reload(const supervise::Program& program, const OnOutput& on_output) {
    const std::string called = fmt::format("'{}'", printable(program.command));
    require_success(run_in_time(program, std::chrono::minutes(10), called, on_output), called);
}

// All below it first: until the folder itself is the user's, nobody else gets in.
void give_to(const sys::Path& folder, const sys::Account& user) {
    const auto give = [&user](const sys::Path& path) {
        if (::lchown(path.c_str(), user.uid, user.gid) != 0)
            throw_errno(
                fmt::format("cannot give '{}' to user '{}'", printable(path.string()), user.name));
    };
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
        give(entry.path());
    give(folder);
}

bool has_home(const sys::Account& user) {
    struct stat status {};
    return ::stat(user.home.c_str(), &status) == 0 && S_ISDIR(status.st_mode) &&
           sys::may_write(user, status);
}

// Package managers keep caches there, and end where they cannot; users of apps mostly have none.
std::optional<sys::TempFolder> home_for_build(const App& app, sys::Account& user) {
    if (has_home(user))
        return std::nullopt;
    std::optional<sys::TempFolder> home(std::in_place, app.layout.folder(), slug::staging_prefix);
    if (::geteuid() == 0)
        give_to(home->path(), user);
    user.home = home->path();
    return home;
}

} // namespace

Undoable run_command_of_release(const App& app, const release::Manifest& manifest,
                                const sys::Path& tree, const OnOutput& on_output) {
    constexpr int cannot_be_undone = 10; // shipit.toml(5)
    const std::string called = "the release command";
    const ReleaseCommand& what = manifest.spec.release_command;
    const auto end = run_in_time(one_off_program(app, manifest, tree, "release", what.command),
                                 what.timeout, called, on_output);
    if (end.code == cannot_be_undone)
        return Undoable::no;
    require_success(end, called);
    return Undoable::yes;
}

void run_build_command(const App& app, const config::Settings& settings, const sys::Path& folder,
                       const OnOutput& on_output) {
    const config::BuildCommand& build = settings.build;
    if (build.command.empty())
        return;
    supervise::Program program;
    program.name = program.type = "build";
    program.command = build.command;
    program.folder = folder;
    program.user = app.account(settings.app);
    if (build.is_builds && ::geteuid() == 0 && !program.user)
        throw Error("the build's build.command is not run as root", Outcome::usage)
            .advise(fmt::format("shipit -a {} set app.user=USER", app.name().text()));
    sys::Account user = program.user ? *program.user : sys::own_account();
    const auto home = home_for_build(app, user);
    program.environment = environment_without_release(
        app.name(), user, config::load_config(app.layout.config_toml()), program.name);
    if (program.user)
        give_to(folder, *program.user);
    const std::string called = "the build command";
    try {
        require_success(run_in_time(program, build.timeout, called, on_output), called);
    } catch (Error& error) {
        if (error.outcome() == Outcome::release_failed) // there is none yet
            error.set_outcome(Outcome::failed);
        throw;
    }
}

void run_reload_command(const App& app, const release::Manifest& manifest, const sys::Path& tree,
                        const std::string& command, const OnOutput& on_output) {
    run_reload(one_off_program(app, manifest, tree, reload_process, command), on_output);
}

// No file of the build, and no variable, may decide what this is: who runs it may be root.
void run_hosts_reload_command(const App& app, const release::Manifest& manifest,
                              const std::string& command, const OnOutput& on_output) {
    const Surroundings surroundings{app.name(), manifest.number, manifest.slug.value().id,
                                    sys::own_account(), std::nullopt};
    supervise::Program program;
    program.name = program.type = reload_process;
    program.command = command;
    program.environment = environment_of(surroundings, {}, reload_process);
    program.folder = app.layout.folder();
    run_reload(program, on_output);
}

} // namespace shipit::deploy

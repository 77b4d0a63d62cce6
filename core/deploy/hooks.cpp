#include "core/deploy/hooks.hpp"

#include "core/base/error.hpp"
#include "core/base/json.hpp"
#include "core/base/text.hpp"
#include "core/deploy/running.hpp"
#include "core/deploy/transcript.hpp"
#include "core/supervise/run_once.hpp"
#include "core/sys/clock.hpp"
#include "core/sys/file.hpp"

#include <cerrno>

#include <fmt/core.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace shipit::deploy {

namespace {

const std::string& command_for(const config::Hooks& hooks, const std::string& event) {
    if (event == "deployed")
        return hooks.deployed;
    if (event == "failed")
        return hooks.failed;
    return event == "rolled_back" ? hooks.rolled_back : hooks.crashed;
}

Json json_of(const std::optional<ReleaseNumber>& release) {
    return release ? Json(release->text()) : Json();
}

Json json_of(const App& app, const HookCall& call, const release::Manifest& manifest) {
    Json json = Json::object({{"event", call.event},
                              {"app", app.name().text()},
                              {"release", call.release.text()},
                              {"previous", json_of(call.previous)},
                              {"rollback_of", json_of(manifest.rollback_of)},
                              {"activation_of", json_of(manifest.activation_of)},
                              {"description", manifest.description},
                              {"user", manifest.created_by},
                              {"address", manifest.client_address},
                              {"at", time_text(sys::now())}});
    json.set("source", manifest.source ? json_of(*manifest.source) : Json());
    json.set("slug", manifest.slug ? Json(manifest.slug->id.text()) : Json());
    json.set("why", call.why.empty() ? Json() : Json(call.why));
    json.set("process", call.process.empty() ? Json() : Json(call.process));
    return json;
}

// Holds the text, and is read from its beginning.
sys::Fd file_of(const std::string& text) {
    sys::Fd file(::memfd_create("shipit-hook", MFD_CLOEXEC));
    if (!file ||
        ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
        ::lseek(file.get(), 0, SEEK_SET) != 0)
        throw Error("cannot make the hook's input: " + errno_text(errno));
    return file;
}

config::Settings settings_for(const App& app, const release::Manifest& manifest) {
    return app.settings_of_tree(app.layout.tree(manifest.slug.value().id));
}

bool has_hook(const App& app, const HookCall& call) {
    const release::Manifest manifest = app.ledger.load(call.release);
    return manifest.slug && !command_for(settings_for(app, manifest).hooks, call.event).empty();
}

void run(const App& app, const HookCall& call) {
    if (!has_hook(app, call))
        return;
    const release::Manifest manifest = app.ledger.load(call.release);
    const sys::Path tree = app.layout.tree(manifest.slug.value().id);
    const config::Settings settings = settings_for(app, manifest);
    const std::string& command = command_for(settings.hooks, call.event);
    if (settings.hooks.builds.contains(call.event) && ::geteuid() == 0 &&
        !app.account(settings.app)) {
        app.host.progress.warn_of(
            fmt::format("the build's hooks.{} is not run as root; set app.user, or hooks.{} on "
                        "this host",
                        call.event, call.event));
        return;
    }
    supervise::Program program = one_off_program(app, manifest, tree, "hook", command);
    program.environment.emplace_back("SHIPIT_EVENT", call.event);
    program.environment.emplace_back("SHIPIT_ROOT", app.host.root.string()); // if it calls shipit
    if (!sys::is_there(tree)) // it may have failed before it was unpacked
        program.folder = "/";
    const sys::Fd input = file_of(json_of(app, call, manifest).dump() + "\n");
    Transcript transcript(app.layout.transcript(call.release));
    transcript.add(fmt::format("hooks.{}: {}", call.event, command));
    const auto end = [&] {
        CommandOutput kept(transcript);
        return supervise::run_once(
            program, settings.hooks.timeout, [&kept](std::string_view output) { kept.add(output); },
            input.get());
    }();
    if (end.code == 0 && !end.timed_out)
        return;
    const std::string how =
        end.timed_out ? "took longer than " + duration_text(settings.hooks.timeout) : end.how;
    transcript.add(fmt::format("hooks.{} {}", call.event, how));
    app.host.progress.warn_of(fmt::format("hooks.{} {}, ignoring", call.event, how));
}

} // namespace

void run_hook(const App& app, const HookCall& call) noexcept {
    try {
        run(app, call);
    } catch (const std::exception& error) {
        try {
            app.host.progress.warn_of(
                fmt::format("hooks.{}: {}, ignoring", call.event, error.what()));
        } catch (...) { // no memory: there is nothing to be done
        }
    }
}

HookBeside::HookBeside(const App& app, const HookCall& call) noexcept : m_pid(-1) {
    try {
        if (has_hook(app, call))
            m_pid = ::fork();
    } catch (const std::exception&) { // a record that cannot be read: others say so
    }
    if (m_pid != 0)
        return;
    // What the parent holds open, the supervisor must not take for it after its end.
    (void)::close_range(STDERR_FILENO + 1, ~0U, 0);
    run_hook(app, call);
    ::_exit(0);
}

HookBeside::~HookBeside() {
    while (m_pid > 0 && ::waitpid(m_pid, nullptr, 0) < 0 && errno == EINTR) {
    }
}

} // namespace shipit::deploy

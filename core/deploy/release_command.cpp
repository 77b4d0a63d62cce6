#include "core/deploy/release_command.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/running.hpp"
#include "core/supervise/run_once.hpp"
#include "core/sys/interrupt.hpp"

#include <fmt/core.h>

namespace shipit::deploy {

namespace {

void run(const supervise::Program& program, milliseconds timeout, const std::string& called,
         const OnOutput& on_output) {
    const supervise::OnceEnd end = supervise::run_once(program, timeout, on_output);
    if (end.interrupted_by != 0)
        throw sys::Interrupted(end.interrupted_by);
    if (end.timed_out)
        throw Error(fmt::format("{} took longer than {}", called, duration_text(timeout)),
                    Outcome::release_failed);
    if (end.code != 0)
        throw Error(fmt::format("{} {}", called, end.how), Outcome::release_failed);
}

} // namespace

void run_command_of_release(const App& app, const release::Manifest& manifest,
                            const sys::Path& tree, const OnOutput& on_output) {
    run(one_off_program(app, manifest, tree, "release", manifest.spec.release_command.command),
        manifest.spec.release_command.timeout, "the release command", on_output);
}

void run_command_in_release(const App& app, const release::Manifest& manifest,
                            const sys::Path& tree, const std::string& process,
                            const std::string& command, const OnOutput& on_output) {
    run(one_off_program(app, manifest, tree, process, command), std::chrono::minutes(10),
        fmt::format("'{}'", printable(command)), on_output);
}

} // namespace shipit::deploy

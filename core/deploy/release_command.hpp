// Commands that run outside the supervisor: the release command and a reload in a release's tree
// with its environment; what makes a build, before there is a release. All as the app's user, but
// for the host's own reload.
#pragma once

#include "core/deploy/app.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace shipit::deploy {

using OnOutput = std::function<void(std::string_view)>;

enum class Undoable { yes, no };

// The release command of `manifest`; with exit status 10 it says that it has succeeded and that
// what it did cannot be undone. Throws Error (release_failed): "the release command exited with
// status 1", "… took longer than 10m".
[[nodiscard]] Undoable run_command_of_release(const App& app, const release::Manifest& manifest,
                                              const sys::Path& tree, const OnOutput& on_output);

// [build] command, in the folder of what was pushed, which becomes the app's user's for that. Where
// that user has no home to write to, it has one until the command's end. Does nothing if there is
// no command. Throws Error: it failed, it took too long, or it would run as root by the build's own
// wish. Interrupted likewise.
void run_build_command(const App& app, const config::Settings& settings, const sys::Path& folder,
                       const OnOutput& on_output);

// `app.reload` of the build's. Throws Error likewise; it may take ten minutes.
void run_reload_command(const App& app, const release::Manifest& manifest, const sys::Path& tree,
                        const std::string& command, const OnOutput& on_output);
// That of this host, which is for whoever runs shipit to do, be it root: in the app's folder, which
// no build writes to, and without config vars.
void run_hosts_reload_command(const App& app, const release::Manifest& manifest,
                              const std::string& command, const OnOutput& on_output);

} // namespace shipit::deploy

// [hooks]: programs of the app that are told what became of a release.
#pragma once

#include "core/deploy/app.hpp"
#include "core/release/manifest.hpp"

#include <optional>
#include <string>

#include <sys/types.h>

namespace shipit::deploy {

struct HookCall {
    std::string event; // "deployed", "failed", "rolled_back", "crashed"
    ReleaseNumber release;
    std::optional<ReleaseNumber> previous = {}; // live before
    std::string why = {};                       // it failed, or was gone back from
    std::string process = {};                   // that crashes
};

// Runs the hook of that event, if there is one, in the release's tree, as the app's user, with the
// release's environment, SHIPIT_EVENT and SHIPIT_ROOT, and the call as JSON on its stdin; returns
// when it has ended or its time is over. Its output goes to the release's transcript. Never throws:
// that it failed is a warning. Without the app's lock, since it may take long and may call shipit.
void run_hook(const App& app, const HookCall& call) noexcept;

// The same in a process beside this one, which has a release to watch meanwhile.
class HookBeside {
  public:
    HookBeside(const App& app, const HookCall& call) noexcept;
    ~HookBeside(); // waits until it has ended
    HookBeside(const HookBeside&) = delete;
    HookBeside& operator=(const HookBeside&) = delete;

  private:
    pid_t m_pid;
};

} // namespace shipit::deploy

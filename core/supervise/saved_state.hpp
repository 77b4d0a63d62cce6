// What a supervisor leaves for the next one: which processes are its own.
//
// run_folder/state.json holds no config vars; what a release's programs are comes from its
// manifest.
#pragma once

#include "core/base/ids.hpp"
#include "core/base/text.hpp"
#include "core/supervise/crew.hpp"

#include <set>

namespace shipit::supervise {

struct SavedProcess {
    ReleaseNumber release{1};
    std::string name;
    std::string type;
    Side side = Side::a;
    Process::Adopted process;
    int stop_signal = 0;
    milliseconds stop_timeout{0};
};

struct SavedState {
    std::vector<SavedProcess> processes; // those that still live
    Side live = Side::a;                 // whose slots had the traffic
    Json addresses;                      // Addresses::state()
    std::set<Path> cgroups;              // the app's folders of control groups
};

// Replaces the file whole. Throws Error.
void save_state(const Path& run_folder, const std::vector<const Crew*>& crews,
                const Addresses* addresses, const Path& cgroups);

// What an earlier supervisor left; nothing if there was none since the host started, if the file is
// damaged, or if it is a copy of another app's. Throws Error where it cannot be read: what it would
// name must not be taken for left over.
[[nodiscard]] SavedState saved_state(const Path& run_folder);
// Nothing there, too: for who asks what its pipes tell as well.
[[nodiscard]] SavedState readable_state(const Path& run_folder);

// Processes that hold one of the app's log pipes as their stdout or stderr, but none of the `known`
// ones: started by a supervisor that died before it could write them down, or left by one.
[[nodiscard]] std::vector<sys::ProcessName> unsaved_processes(const Path& run_folder,
                                                              const std::vector<Path>& known);

// Whether processes of an earlier supervisor still run.
[[nodiscard]] bool has_left_processes(const Path& run_folder);

} // namespace shipit::supervise

// The processes that belong to a supervised one, also those that tried to get away.
//
// With a control group of its own a tree is what is in it, and what may have been moved out of it.
// Without one a process is known by its ancestors, by its session, and, once it has been
// orphaned and given to the supervisor (PR_SET_CHILD_SUBREAPER), by the variables in its
// environment that say whose it is.
#pragma once

#include "core/supervise/become.hpp"
#include "core/sys/process.hpp"

#include <set>
#include <string>
#include <vector>

namespace shipit::supervise {

struct Owned {
    sys::ProcessName name;
    bool escaped; // left the session
};

// Whose tree: the main process, alive or not, and the environment it was given.
struct TreeOf {
    sys::ProcessName main;
    std::vector<std::string> marks; // "SHIPIT_PROCESS=web.1", …; none: orphans are not recognised
    Path cgroup{};                  // of its own; empty: there is none
};

// The variables of an environment that mark a process: SHIPIT_APP, SHIPIT_RELEASE, SHIPIT_SLOT and
// SHIPIT_PROCESS; none without the last, since the others are those of all processes.
[[nodiscard]] std::vector<std::string> marks_in(const Environment& environment);

// All living processes of the tree but the main one. Never ourselves or one that a Child waits for.
// Throws Error where processes cannot be looked at, for want of descriptors; so do those below.
[[nodiscard]] std::vector<Owned> rest_of(const TreeOf& tree);
// The tree among these that a process belongs to, its main one included; null if it belongs to none
// or is gone.
[[nodiscard]] const TreeOf* tree_of(pid_t pid, const std::vector<const TreeOf*>& trees);
// Orphans that came to us and their descendants, whoever left them; but no app's supervisor.
[[nodiscard]] std::vector<sys::ProcessName> strays();
// A child of ours that is no app's process, and so never part of a tree or a stray.
void spare(pid_t pid);
[[nodiscard]] const std::set<pid_t>& spared();

// Whether it ignores the signal, so that there is nothing to wait for.
[[nodiscard]] bool ignores(const sys::ProcessName& process, int signal);
// Sends a signal to a process unless it is gone; never to another one with the same pid.
void signal_exactly(const sys::ProcessName& process, int signal) noexcept;

// From now on, orphaned descendants come to us instead of to init.
void become_subreaper();
// Reaps orphans that ended; to be called at SIGCHLD and after each Child's end.
void reap_orphans() noexcept;

} // namespace shipit::supervise

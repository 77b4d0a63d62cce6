// Control groups (cgroups(7), version 2): each process of the app gets a folder of its own below
// the group that the supervisor runs in. Whatever it starts is born into that folder and stays
// there, however it forks and whatever session it makes; one write to cgroup.kill ends it all.
//
//   OWN GROUP/shipit:var:lib:shipit:blog:run/v3.web.1.a
//
// No controller is enabled, so that processes may be in inner groups, too; what the app makes below
// is its own. To be had by root, and in a systemd unit with Delegate=yes.
#pragma once

#include "core/sys/file.hpp"

#include <chrono>
#include <string_view>

namespace shipit::supervise {

using sys::Path;

// The folder of the group that a process with these /proc/self/cgroup and /proc/self/mountinfo is
// in; nothing if no version 2 is mounted so that it can be seen.
[[nodiscard]] std::optional<Path> own_cgroup(std::string_view cgroup, std::string_view mountinfo);

// Makes the folder for the groups of the app with this run folder, and tries it with a process.
// Throws Error that says why there is none to be had.
[[nodiscard]] Path app_cgroup(const Path& run_folder);
// Makes a group in an app's folder, for a process; one that nobody is in. Throws Error.
[[nodiscard]] Path make_cgroup(const Path& app, const std::string& process);

// fork(2) by which the child is born into a group, given by its folder's descriptor. To move it
// later would take longer than the rest of its start, since the kernel waits for all processors:
// that is done only where clone3(2) is denied.
[[nodiscard]] pid_t fork_into(int cgroup) noexcept;

// All that is in it and below, without zombies; nothing if there is no such group.
[[nodiscard]] std::vector<pid_t> processes_in(const Path& cgroup);
[[nodiscard]] bool is_populated(const Path& cgroup) noexcept;
// SIGKILL to all of them, and to what they are forking just now.
void kill_cgroup(const Path& cgroup) noexcept;
// With those that the app made below it, and the app's folder, if that was its last. False if
// somebody is in it.
bool remove_cgroup(const Path& cgroup) noexcept;
// Kills, waits until nobody is left, and removes; false if that takes longer.
bool end_cgroup(const Path& cgroup, std::chrono::milliseconds patience) noexcept;

} // namespace shipit::supervise

// Limits, setrlimit(2), that shipit's own processes have, and what they execute has not.
#pragma once

namespace shipit::sys {

// From now on this process and those that it forks leave no core dumps, in which config vars would
// be, neither as a file nor to a program (core(5)). Only the soft limit is changed, so that it can
// be taken back.
void leave_no_core_dump() noexcept;

// As many descriptors as the hard limit allows: for a process that has one for each of many others'
// connections. Programs get the soft limit back, for those that use select(2).
void have_many_descriptors() noexcept;

// Gives what is executed next, which is not shipit's, the limits that we were started with. For a
// child between fork and exec: async-signal-safe.
void restore_limits() noexcept;

} // namespace shipit::sys

// Core dumps of shipit's own processes: none, since config vars would be in them.
#pragma once

namespace shipit::sys {

// From now on this process and those that it forks leave none, neither as a file nor to a program
// (core(5)). Only the soft limit is changed, so that it can be taken back.
void leave_no_core_dump() noexcept;

// Gives what is executed next, which is not shipit's, the limit that we were started with. For a
// child between fork and exec: async-signal-safe.
void restore_core_limit() noexcept;

} // namespace shipit::sys

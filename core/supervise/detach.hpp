// A supervisor that goes on when the command that started it has ended.
#pragma once

#include "core/sys/file.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace shipit::supervise {

using sys::Path;

// Starts `argv` (argv[0] a path) as a daemon: a session of its own, working folder /, stdin empty,
// stdout and stderr appended to `log`, no other descriptor, default signals, our environment but
// for what a service manager said to us alone. Returns when a supervisor answers in `run_folder`.
// Throws Error if it ends before, with the end of what it wrote, or if none answers within
// `patience`.
void spawn_detached(const std::vector<std::string>& argv, const Path& run_folder, const Path& log,
                    std::chrono::milliseconds patience);

// Starts `argv` likewise, and returns when it has ended, however that was. Throws Error if it
// cannot be executed; sys::Interrupted, after which it goes on.
void run_detached(const std::vector<std::string>& argv, const Path& log);

// For a supervisor that needs a command's help (`shipit rollback --automatic`): starts `argv`
// likewise, but as a child that the supervisor does not take for an app's stray process, and does
// not wait for it. It gets `variables` ("NAME=value"), too, which no other user can read, as all
// can its arguments. Throws Error if it cannot be executed.
void spawn_aside(const std::vector<std::string>& argv, const Path& log,
                 const std::vector<std::string>& variables = {});

} // namespace shipit::supervise

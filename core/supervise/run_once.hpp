// One program from start to end, in the calling process: the release command, `shipit run`.
#pragma once

#include "core/supervise/program.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace shipit::supervise {

struct OnceEnd {
    int code = 0; // its exit status, or 128 + the signal that ended it
    bool timed_out = false;
    int interrupted_by = 0; // the signal that we got meanwhile, and ended it for or passed on
    std::string how;        // "exited with status 1"
};

// Runs the program's command with its environment, folder and user, in a session of its own, its
// stdin `input` (-1: empty), until it ends, `timeout` (zero: none) passes, or we get SIGINT or
// SIGTERM. When this returns nothing of its process tree is alive. `output` gets what it writes, in
// whole lines, of which a long one may come in parts. Throws Error if it cannot be started. What
// `output` throws ends it, and is thrown once it has ended.
[[nodiscard]] OnceEnd run_once(const Program& program, milliseconds timeout,
                               const std::function<void(std::string_view)>& output, int input = -1);

// As above, but with our stdin, stdout, stderr and terminal, for as long as it takes. SIGTERM and
// SIGHUP are passed on; the terminal's keys reach it directly.
[[nodiscard]] OnceEnd run_interactively(const Program& program);

} // namespace shipit::supervise

// The system calls at which a command can be disturbed: what each changes, where its arguments name
// what it changes, and what it can fail with.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace shipit::fault {

enum class Kind {
    open,     // of what is there
    open_new, // creating or truncating it
    create,   // any other new name
    data,
    remove,
    attributes,
    flush,
    read,
    descriptor, // a new one, of no file
    talk,       // to another process
    process,    // begins, becomes or ends one
    none,
};

struct Call {
    std::string name;
    Kind kind = Kind::none;
    std::string target; // the path, as absolute as it can be told; of a rename, the new one
    bool waits = true;  // false for a descriptor that is O_NONBLOCK
};

using Arguments = std::array<std::uint64_t, 6>;

// What a stopped process is about to do; nothing for a call that is none of ours.
[[nodiscard]] std::optional<Call> call_of(pid_t pid, std::uint64_t number,
                                          const Arguments& arguments);

[[nodiscard]] bool changes_something(Kind kind);
[[nodiscard]] bool can_fail_with(const Call& call, int error_number);

// 0 for a name that is none.
[[nodiscard]] int error_named(const std::string& name);

// Makes the kernel stop the calling process and all that come from it at each of these calls, as
// PTRACE_EVENT_SECCOMP; all others go on at full speed. False, with errno, if it cannot.
[[nodiscard]] bool report_calls(bool also_those_that_change_nothing);

} // namespace shipit::fault

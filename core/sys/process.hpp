// Facts about processes that /proc tells (proc(5)); a pid alone names nothing, since pids are
// reused.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace shipit::sys {

// A process that cannot be mistaken for a later one with the same pid.
struct ProcessName {
    pid_t pid = 0;
    std::uint64_t start_time = 0; // clock ticks since boot, field 22 of /proc/PID/stat
    auto operator<=>(const ProcessName&) const = default;
};

// These two throw Error where the system has no descriptor left to look with: what cannot be seen
// must not be taken for gone.
[[nodiscard]] std::optional<std::uint64_t> start_time_of(pid_t pid); // nothing if it is gone
[[nodiscard]] bool is_alive(const ProcessName& process);             // zombies are not
// The program that runs, as a path to start it again; works also after it was replaced on disk.
[[nodiscard]] std::filesystem::path own_program();
[[nodiscard]] std::string boot_id(); // /proc/sys/kernel/random/boot_id
// What this process frees in pieces of a megabyte and more goes back to the system at once, always.
// (glibc's malloc keeps such pieces once it has seen a few: M_MMAP_THRESHOLD in mallopt(3).)
void give_memory_back();
[[nodiscard]] std::uint64_t resident_bytes(pid_t pid); // 0 if it is gone
[[nodiscard]] std::uint64_t peak_bytes(pid_t pid);     // the most that it ever had; likewise
// What a process and all below it use, as far as we may look.
struct Usage {
    std::size_t processes = 0;
    std::uint64_t memory =
        0; // resident; of what several share each has its part, where that is told
    std::chrono::milliseconds cpu{0}; // until now, with that of children that have ended
    std::chrono::milliseconds age{0}; // of the process itself

    // What of a processor it has used since `before`, or all its life: 1 is one processor, all of
    // the time.
    [[nodiscard]] double processors(const std::optional<Usage>& before = {}) const;
};
[[nodiscard]] std::optional<Usage> usage_of(pid_t root); // nothing if it is gone
[[nodiscard]] std::optional<pid_t> parent_of(pid_t pid);
// All processes below `root` now, children before grandchildren; without `root` itself.
[[nodiscard]] std::vector<pid_t> descendants_of(pid_t root);

} // namespace shipit::sys

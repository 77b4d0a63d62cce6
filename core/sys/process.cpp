#include "core/sys/process.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/sys/file.hpp"
#include "core/sys/shortage.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <map>

#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

namespace shipit::sys {

namespace {

using std::chrono::milliseconds;

template <class Number>
Number number_in(std::string_view text) {
    Number number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

// The fields of /proc/PID/stat behind the command's name, which may hold spaces and parentheses:
// [0] is field 3, the state (proc(5)). Nothing if the process is gone.
std::optional<std::vector<std::string>> stat_fields(pid_t pid) {
    const std::string name = "/proc/" + std::to_string(pid) + "/stat";
    const Fd fd(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd && is_shortage(errno))
        throw_errno("cannot look at process " + std::to_string(pid));
    if (!fd)
        return std::nullopt;
    std::string content;
    try {
        content = read_all(fd.get(), name, 8192);
    } catch (const Error&) {
        return std::nullopt; // going (ESRCH)
    }
    const auto name_end = content.rfind(')');
    if (name_end == std::string::npos)
        return std::nullopt;
    std::vector<std::string> fields;
    for (const std::string_view field :
         split(trimmed(std::string_view(content).substr(name_end + 1)), ' '))
        fields.emplace_back(field);
    return fields;
}

constexpr std::size_t state_field = 0;
constexpr std::size_t parent_field = 1;
constexpr std::array<std::size_t, 4> cpu_fields = {11, 12, 13, 14}; // own and children's
constexpr std::size_t start_field = 19;

bool is_dead(const std::vector<std::string>& fields) {
    return fields[state_field] == "Z" || fields[state_field] == "X";
}

// A line "KEY: N kB" of a file in /proc/PID, in bytes.
std::optional<std::uint64_t> bytes_in(pid_t pid, const char* file, std::string_view key) {
    try {
        const std::string content =
            read_file("/proc/" + std::to_string(pid) + "/" + file, 64 << 10);
        const auto at = content.find("\n" + std::string(key));
        if (at == std::string::npos) // a zombie
            return std::nullopt;
        return number_in<std::uint64_t>(
                   trimmed(std::string_view(content).substr(at + 1 + key.size())))
               << 10;
    } catch (const Error&) { // gone, or not ours to look into
        return std::nullopt;
    }
}

milliseconds time_of(std::uint64_t ticks) {
    constexpr std::uint64_t ms_in_second = 1000;
    return milliseconds(ticks * ms_in_second / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK)));
}

milliseconds age_of(const std::vector<std::string>& fields) {
    timespec since_boot{};
    (void)::clock_gettime(CLOCK_BOOTTIME, &since_boot);
    const auto now = std::chrono::duration_cast<milliseconds>(
        std::chrono::seconds(since_boot.tv_sec) + std::chrono::nanoseconds(since_boot.tv_nsec));
    return std::max(milliseconds(0), now - time_of(number_in<std::uint64_t>(fields[start_field])));
}

// False if it is gone.
bool add_usage(pid_t pid, Usage& usage) {
    const auto fields = stat_fields(pid);
    if (!fields || fields->size() <= start_field || is_dead(*fields))
        return false;
    ++usage.processes;
    std::uint64_t ticks = 0;
    for (const std::size_t field : cpu_fields)
        ticks += number_in<std::uint64_t>((*fields)[field]);
    usage.cpu += time_of(ticks);
    const auto shared_out = bytes_in(pid, "smaps_rollup", "Pss:");
    usage.memory += shared_out ? *shared_out : resident_bytes(pid);
    if (usage.processes == 1)
        usage.age = age_of(*fields);
    return true;
}

} // namespace

std::optional<std::uint64_t> start_time_of(pid_t pid) {
    const auto fields = stat_fields(pid);
    if (!fields || fields->size() <= start_field)
        return std::nullopt;
    return number_in<std::uint64_t>((*fields)[start_field]);
}

bool is_alive(const ProcessName& process) {
    const auto fields = stat_fields(process.pid);
    return fields && fields->size() > start_field && !is_dead(*fields) &&
           number_in<std::uint64_t>((*fields)[start_field]) == process.start_time;
}

std::filesystem::path own_program() {
    const auto target = link_target("/proc/self/exe"); // ends in " (deleted)" once it is replaced
    return target && is_there(*target) ? *target : "/proc/self/exe";
}

std::string boot_id() {
    return std::string(trimmed(read_file("/proc/sys/kernel/random/boot_id", 64)));
}

void give_memory_back() {
    (void)::mallopt(M_MMAP_THRESHOLD, 1 << 20);
    (void)::mallopt(M_TRIM_THRESHOLD, 4 << 20); // of smaller ones, as much may wait for the next
}

std::uint64_t resident_bytes(pid_t pid) {
    try {
        // size resident shared text lib data dt, in pages
        const std::string content = read_file("/proc/" + std::to_string(pid) + "/statm", 256);
        const auto fields = split(content, ' ');
        const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
        return fields.size() > 1 ? number_in<std::uint64_t>(fields[1]) * page : 0;
    } catch (const Error&) {
        return 0;
    }
}

std::optional<pid_t> parent_of(pid_t pid) {
    const auto fields = stat_fields(pid);
    if (!fields || fields->size() <= parent_field)
        return std::nullopt;
    return number_in<pid_t>((*fields)[parent_field]);
}

std::uint64_t peak_bytes(pid_t pid) {
    return bytes_in(pid, "status", "VmHWM:").value_or(0);
}

double Usage::processors(const std::optional<Usage>& before) const {
    const auto used = before ? cpu - before->cpu : cpu;
    const auto time = before ? age - before->age : age;
    if (time.count() <= 0 ||
        used.count() <= 0) // a child that ended unwaited for took its time along
        return 0;
    return static_cast<double>(used.count()) / static_cast<double>(time.count());
}

std::optional<Usage> usage_of(pid_t root) {
    Usage usage;
    if (!add_usage(root, usage))
        return std::nullopt;
    for (const pid_t pid : descendants_of(root))
        (void)add_usage(pid, usage);
    return usage;
}

std::vector<pid_t> descendants_of(pid_t root) {
    std::multimap<pid_t, pid_t> children;
    for (const std::string& name : names_in("/proc")) {
        const auto pid = number_in<pid_t>(name);
        const auto fields = pid > 0 ? stat_fields(pid) : std::nullopt;
        if (fields && fields->size() > parent_field)
            children.emplace(number_in<pid_t>((*fields)[parent_field]), pid);
    }
    std::vector<pid_t> result;
    std::vector<pid_t> parents{root};
    while (!parents.empty()) {
        const pid_t parent = parents.back();
        parents.pop_back();
        const auto [begin, end] = children.equal_range(parent);
        for (auto child = begin; child != end; ++child) {
            result.push_back(child->second);
            parents.push_back(child->second);
        }
    }
    return result;
}

} // namespace shipit::sys

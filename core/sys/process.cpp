#include "core/sys/process.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/sys/file.hpp"

#include <charconv>
#include <map>

#include <malloc.h>
#include <unistd.h>

namespace shipit::sys {

namespace {

template <class Number>
Number number_in(std::string_view text) {
    Number number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

// The fields of /proc/PID/stat behind the command's name, which may hold spaces and parentheses:
// [0] is field 3, the state (proc(5)). Nothing if the process is gone.
std::optional<std::vector<std::string>> stat_fields(pid_t pid) {
    std::string content;
    try {
        content = read_file("/proc/" + std::to_string(pid) + "/stat", 8192);
    } catch (const Error&) {
        return std::nullopt; // gone, or going (ESRCH)
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
constexpr std::size_t start_field = 19;

} // namespace

std::optional<std::uint64_t> start_time_of(pid_t pid) {
    const auto fields = stat_fields(pid);
    if (!fields || fields->size() <= start_field)
        return std::nullopt;
    return number_in<std::uint64_t>((*fields)[start_field]);
}

bool is_alive(const ProcessName& process) {
    const auto fields = stat_fields(process.pid);
    return fields && fields->size() > start_field && (*fields)[state_field] != "Z" &&
           (*fields)[state_field] != "X" &&
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
    try {
        constexpr std::string_view key = "VmHWM:"; // in kB
        const std::string content = read_file("/proc/" + std::to_string(pid) + "/status", 64 << 10);
        const auto at = content.find(key);
        if (at == std::string::npos) // a zombie
            return 0;
        const std::string_view rest = std::string_view(content).substr(at + key.size());
        return number_in<std::uint64_t>(trimmed(rest)) << 10;
    } catch (const Error&) {
        return 0;
    }
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

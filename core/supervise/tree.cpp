#include "core/supervise/tree.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/supervise/cgroup.hpp"
#include "core/supervise/launch.hpp"
#include "core/sys/file.hpp"
#include "core/sys/shortage.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <iterator>
#include <map>
#include <set>

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace shipit::supervise {

namespace {

struct Entry {
    pid_t pid = 0;
    char state = 'Z';
    pid_t parent = 0;
    pid_t session = 0;
    std::uint64_t start_time = 0;
};

// Fields of /proc/PID/stat (proc(5)), counted from the one behind the command's ')'.
constexpr std::size_t state_field = 0;
constexpr std::size_t parent_field = 1;
constexpr std::size_t session_field = 3;
constexpr std::size_t start_time_field = 19;
constexpr std::uint64_t longest_stat = 4096;
constexpr std::uint64_t longest_environment = 4 << 20;

template <class Number>
Number number_of(std::string_view text) {
    Number number{};
    (void)std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

std::string proc_file(const std::string& pid, const char* name, std::uint64_t limit) {
    try {
        return sys::read_file_if_any("/proc/" + pid + "/" + name, limit).value_or("");
    } catch (const Error&) {
        if (sys::lacks_descriptors(1))
            throw; // what cannot be looked at is not gone
        return {}; // ended while being read, or another user's
    }
}

std::optional<Entry> entry_of(const std::string& pid) {
    const std::string stat = proc_file(pid, "stat", longest_stat);
    const auto end_of_command = stat.rfind(')'); // the command may itself hold parentheses
    if (end_of_command == std::string::npos || end_of_command + 2 >= stat.size())
        return std::nullopt;
    const auto fields = split(std::string_view(stat).substr(end_of_command + 2), ' ');
    if (fields.size() <= start_time_field)
        return std::nullopt;
    Entry entry;
    entry.pid = number_of<pid_t>(pid);
    entry.state = fields[state_field].empty() ? 'Z' : fields[state_field].front();
    entry.parent = number_of<pid_t>(fields[parent_field]);
    entry.session = number_of<pid_t>(fields[session_field]);
    entry.start_time = number_of<std::uint64_t>(fields[start_time_field]);
    return entry;
}

std::map<pid_t, Entry> all_processes() {
    std::map<pid_t, Entry> entries;
    for (const std::string& name : sys::names_in("/proc")) {
        if (name.find_first_not_of("0123456789") != std::string::npos)
            continue;
        if (const auto entry = entry_of(name))
            entries.emplace(entry->pid, *entry);
    }
    return entries;
}

bool is_dead(const Entry& entry) {
    return entry.state == 'Z' || entry.state == 'X';
}

bool carries(const Entry& entry, const std::vector<std::string>& marks) {
    if (marks.empty())
        return false;
    const std::string environment =
        proc_file(std::to_string(entry.pid), "environ", longest_environment);
    const auto variables = split(environment, '\0');
    return std::all_of(marks.begin(), marks.end(), [&](const std::string& mark) {
        return std::find(variables.begin(), variables.end(), mark) != variables.end();
    });
}

// A session keeps its number from being reused as long as it has members; a leader that started
// at another time means that the number has come to somebody else.
bool is_session_of(const std::map<pid_t, Entry>& all, const sys::ProcessName& main) {
    const auto leader = all.find(main.pid);
    return leader == all.end() || leader->second.start_time == main.start_time;
}

// Adds to `found` all that descend from it.
void add_descendants(const std::map<pid_t, Entry>& all, std::set<pid_t>& found) {
    for (bool grew = true; grew;) {
        grew = false;
        for (const auto& [pid, entry] : all)
            if (found.count(entry.parent) != 0 && found.insert(pid).second)
                grew = true;
    }
}

std::set<pid_t>& all_spared() {
    static std::set<pid_t> pids;
    return pids;
}

// Of whatever app: it is nobody's, though a hook may have started it by calling shipit, and what it
// has started is its own business.
bool is_supervisor(const Entry& entry) {
    struct stat program {};
    struct stat ours {};
    const std::string pid = std::to_string(entry.pid);
    if (::stat(("/proc/" + pid + "/exe").c_str(), &program) != 0 ||
        ::stat("/proc/self/exe", &ours) != 0 || program.st_dev != ours.st_dev ||
        program.st_ino != ours.st_ino)
        return false;
    const std::string command = proc_file(pid, "cmdline", longest_environment);
    const auto words = split(command, '\0');
    return std::find(words.begin(), words.end(), "supervise") != words.end();
}

bool is_ours(pid_t pid) {
    return pid == ::getpid() || Child::waits_for(pid) || all_spared().count(pid) != 0;
}

// In the control group of another process of the app, which may have the same marks: where one of
// two generations of a release went on at the other's side.
bool is_in_another_group(pid_t pid, const Path& cgroup) {
    if (cgroup.empty())
        return false;
    const std::string app = "/" + cgroup.parent_path().filename().string() + "/";
    const std::string groups = proc_file(std::to_string(pid), "cgroup", longest_stat);
    const auto found = groups.find(app);
    if (found == std::string::npos)
        return false;
    const auto begin = found + app.size();
    return groups.substr(begin, groups.find_first_of("/\n", begin) - begin) != cgroup.filename();
}

bool is_orphan_of(const Entry& entry, const TreeOf& tree) {
    return entry.parent == ::getpid() && !is_ours(entry.pid) && carries(entry, tree.marks) &&
           !is_in_another_group(entry.pid, tree.cgroup);
}

// Whether it is of the tree by itself, not by its ancestors.
bool is_at_its_top(const Entry& entry, const TreeOf& tree) {
    if (entry.pid == tree.main.pid)
        return entry.start_time == tree.main.start_time;
    if (entry.session == tree.main.pid) {
        const auto leader = entry_of(std::to_string(tree.main.pid));
        return !leader || leader->start_time == tree.main.start_time;
    }
    return is_orphan_of(entry, tree);
}

} // namespace

std::vector<std::string> marks_in(const Environment& environment) {
    std::vector<std::string> marks;
    bool has_process = false;
    for (const auto& [name, value] : environment) {
        has_process = has_process || name == "SHIPIT_PROCESS";
        if (name == "SHIPIT_APP" || name == "SHIPIT_RELEASE" || name == "SHIPIT_PROCESS" ||
            name == "SHIPIT_SLOT")
            marks.push_back(name + "=" + value);
    }
    return has_process ? marks : std::vector<std::string>();
}

std::vector<Owned> rest_of(const TreeOf& tree) {
    const auto all = all_processes();
    const bool session_known = is_session_of(all, tree.main);
    std::set<pid_t> found;
    const auto members = processes_in(tree.cgroup);
    std::copy_if(members.begin(), members.end(), std::inserter(found, found.end()),
                 [&all](pid_t pid) { return all.count(pid) != 0; });
    if (session_known && all.count(tree.main.pid) != 0)
        found.insert(tree.main.pid);
    for (const auto& [pid, entry] : all) {
        const bool in_session = session_known && entry.session == tree.main.pid;
        if (in_session || (!is_dead(entry) && is_orphan_of(entry, tree) && !is_supervisor(entry)))
            found.insert(pid);
    }
    add_descendants(all, found);
    std::vector<Owned> result;
    for (const pid_t pid : found) {
        const Entry& entry = all.at(pid);
        if (pid != tree.main.pid && !is_ours(pid) && !is_dead(entry))
            result.push_back({{pid, entry.start_time}, entry.session != tree.main.pid});
    }
    return result;
}

const TreeOf* tree_of(pid_t pid, const std::vector<const TreeOf*>& trees) {
    for (auto entry = entry_of(std::to_string(pid)); entry;
         entry = entry_of(std::to_string(entry->parent))) {
        for (const TreeOf* tree : trees)
            if (is_at_its_top(*entry, *tree))
                return tree;
        if (entry->parent <= 1 || entry->parent == ::getpid())
            break;
    }
    return nullptr;
}

std::vector<sys::ProcessName> strays() {
    const auto all = all_processes();
    std::set<pid_t> found;
    for (const auto& [pid, entry] : all)
        if (entry.parent == ::getpid() && !is_ours(pid) && !is_supervisor(entry))
            found.insert(pid);
    add_descendants(all, found);
    std::vector<sys::ProcessName> result;
    for (const pid_t pid : found)
        if (!is_dead(all.at(pid)))
            result.push_back({pid, all.at(pid).start_time});
    return result;
}

bool ignores(const sys::ProcessName& process, int signal) {
    constexpr std::string_view field = "\nSigIgn:\t"; // a bit for each signal, from 1, hexadecimal
    const std::string status = proc_file(std::to_string(process.pid), "status", longest_stat);
    const auto at = status.find(field);
    if (at == std::string::npos)
        return false;
    std::uint64_t ignored = 0;
    (void)std::from_chars(status.data() + at + field.size(), status.data() + status.size(), ignored,
                          16);
    return ((ignored >> static_cast<unsigned>(signal - 1)) & 1U) != 0;
}

void signal_exactly(const sys::ProcessName& process, int signal) noexcept {
    const sys::Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0U)));
    try {
        if (pidfd && sys::start_time_of(process.pid) == process.start_time)
            (void)::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0U);
    } catch (const Error&) {
        return; // who waits for its end signals it again
    }
}

void spare(pid_t pid) {
    all_spared().insert(pid);
}

const std::set<pid_t>& spared() {
    return all_spared();
}

void become_subreaper() {
    if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
        throw_errno("cannot become the reaper of orphaned processes");
}

void reap_orphans() noexcept {
    for (;;) {
        siginfo_t ended{};
        // Looks first, and leaves what a Child waits for to it; that one's end calls us again.
        if (::waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) != 0 || ended.si_pid == 0 ||
            Child::waits_for(ended.si_pid))
            return;
        all_spared().erase(ended.si_pid);
        (void)::waitpid(ended.si_pid, nullptr, WNOHANG);
    }
}

} // namespace shipit::supervise

#include "core/supervise/cgroup.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/sys/clock.hpp"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/sched.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace shipit::supervise {

namespace {

constexpr mode_t folder_mode = 0755;
constexpr std::uint64_t longest_list = 64 << 20; // of cgroup.procs
constexpr unsigned most_names = 100;
constexpr int look_at_group_ms = 20;

// One name for a whole path, to be read in `systemd-cgls`, and no other path's.
std::string name_for(const Path& run_folder) {
    std::string name = "shipit";
    for (const char c : run_folder.string()) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '/')
            name += ':';
        else if (c == ':' || c == '%' || byte <= ' ')
            name += fmt::format("%{:02X}", unsigned{byte});
        else
            name += c;
    }
    return name;
}

// `path` as it is seen in a mount of what is at `root`.
std::optional<Path> below(std::string_view root, std::string_view path) {
    if (root == "/")
        root = {};
    if (!path.starts_with(root))
        return std::nullopt;
    path.remove_prefix(root.size());
    if (!path.empty() && path.front() != '/')
        return std::nullopt;
    return Path(path).relative_path();
}

void make_folder(const Path& folder) {
    if (::mkdir(folder.c_str(), folder_mode) != 0 && errno != EEXIST)
        throw_errno("cannot make the control group '" + folder.string() + "'");
}

sys::Fd events_of(const Path& cgroup) {
    return sys::Fd(::open((cgroup / "cgroup.events").c_str(), O_RDONLY | O_CLOEXEC));
}

// From its beginning, which also means that poll(2) tells the next change.
bool says_populated(const sys::Fd& events) {
    char text[200];
    const ssize_t size = ::pread(events.get(), text, sizeof text, 0);
    return size > 0 && std::string_view(text, static_cast<std::size_t>(size)).find("populated 1") !=
                           std::string_view::npos;
}

// Groups are removed one by one from below; the files in them cannot be and need not.
bool remove_down(const Path& cgroup) {
    if (::rmdir(cgroup.c_str()) == 0 || errno == ENOENT)
        return true;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(cgroup, error))
        if (entry.is_directory(error))
            (void)remove_down(entry.path());
    return ::rmdir(cgroup.c_str()) == 0 || errno == ENOENT;
}

void add_processes(const Path& cgroup, std::vector<pid_t>& pids) {
    const std::string list = sys::read_file(cgroup / "cgroup.procs", longest_list);
    for (const std::string_view line : split(list, '\n')) {
        pid_t pid = 0;
        (void)std::from_chars(line.data(), line.data() + line.size(), pid);
        if (pid > 0)
            pids.push_back(pid);
    }
    for (const auto& entry : std::filesystem::directory_iterator(cgroup))
        if (entry.is_directory())
            add_processes(entry.path(), pids);
}

// Where the service may make no namespaces, systemd has the kernel deny clone3(2).
pid_t fork_and_move(int cgroup) noexcept {
    const sys::Fd members(::openat(cgroup, "cgroup.procs", O_WRONLY | O_CLOEXEC));
    if (!members)
        return -1;
    const pid_t child = ::fork();
    if (child == 0 && ::write(members.get(), "0", 1) != 1)
        ::_exit(EXIT_FAILURE);
    return child;
}

// What launching and stopping will do.
void try_out(const Path& cgroup) {
    if (::access((cgroup / "cgroup.kill").c_str(), W_OK) != 0)
        throw Error("the kernel cannot kill a control group (it is older than Linux 5.14)");
    const sys::Fd folder = sys::open_file(cgroup, O_PATH | O_DIRECTORY);
    const pid_t child = fork_into(folder.get());
    if (child == 0)
        ::_exit(0);
    if (child < 0)
        throw_errno("cannot start a process in the control group '" + cgroup.string() + "'");
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (status != 0) // as fork_and_move() says it
        throw Error("cannot move a process into the control group '" + cgroup.string() + "'");
}

} // namespace

std::optional<Path> own_cgroup(std::string_view cgroup, std::string_view mountinfo) {
    std::optional<std::string_view> own;
    for (const std::string_view line : split(cgroup, '\n'))
        if (line.starts_with("0::/"))
            own = line.substr(3);
    if (!own)
        return std::nullopt;
    for (const std::string_view line : split(mountinfo, '\n')) {
        // ID PARENT DEVICE ROOT POINT OPTIONS TAGS… - TYPE SOURCE OPTIONS
        if (line.find(" - cgroup2 ") == std::string_view::npos)
            continue;
        const auto fields = split(line, ' ');
        if (const auto inside = below(fields[3], *own))
            return inside->empty() ? Path(fields[4]) : Path(fields[4]) / *inside;
    }
    return std::nullopt;
}

Path app_cgroup(const Path& run_folder) {
    const auto own =
        own_cgroup(sys::read_file("/proc/self/cgroup"), sys::read_file("/proc/self/mountinfo"));
    if (!own)
        throw Error("control groups of version 2 are not mounted");
    Path app = *own / name_for(run_folder);
    make_folder(app);
    try {
        const Path trial = make_cgroup(app, "trial");
        try_out(trial);
        (void)remove_cgroup(trial);
    } catch (const Error&) {
        (void)remove_down(app); // where nothing else is in it
        throw;
    }
    return app;
}

Path make_cgroup(const Path& app, const std::string& process) {
    make_folder(app); // removed with its last
    for (unsigned n = 1; n <= most_names; ++n) {
        Path cgroup = app / (n == 1 ? process : fmt::format("{}.{}", process, n));
        if (::mkdir(cgroup.c_str(), folder_mode) == 0)
            return cgroup;
        if (errno != EEXIST)
            throw_errno("cannot make the control group '" + cgroup.string() + "'");
        if (!is_populated(cgroup) && remove_down(cgroup) &&
            ::mkdir(cgroup.c_str(), folder_mode) == 0)
            return cgroup;
    }
    throw Error("all control groups for '" + process + "' are in use");
}

pid_t fork_into(int cgroup) noexcept {
    clone_args arguments{};
    arguments.flags = CLONE_INTO_CGROUP;
    arguments.exit_signal = SIGCHLD;
    arguments.cgroup = static_cast<__u64>(cgroup);
    const long child = ::syscall(SYS_clone3, &arguments, sizeof arguments);
    return child < 0 && errno == ENOSYS ? fork_and_move(cgroup) : static_cast<pid_t>(child);
}

std::vector<pid_t> processes_in(const Path& cgroup) {
    std::vector<pid_t> pids;
    try {
        add_processes(cgroup, pids);
    } catch (const std::exception&) { // removed meanwhile
    }
    return pids;
}

bool is_populated(const Path& cgroup) noexcept {
    return says_populated(events_of(cgroup));
}

void kill_cgroup(const Path& cgroup) noexcept {
    const sys::Fd order(::open((cgroup / "cgroup.kill").c_str(), O_WRONLY | O_CLOEXEC));
    (void)!::write(order.get(), "1", 1);
}

bool remove_cgroup(const Path& cgroup) noexcept {
    try {
        if (cgroup.empty() || is_populated(cgroup) || !remove_down(cgroup))
            return false;
        (void)::rmdir(cgroup.parent_path().c_str());
        return true;
    } catch (const std::exception&) { // no memory
        return false;
    }
}

bool end_cgroup(const Path& cgroup, std::chrono::milliseconds patience) noexcept {
    const sys::Deadline deadline(patience);
    kill_cgroup(cgroup);
    const sys::Fd events = events_of(cgroup);
    while (says_populated(events)) {
        if (deadline.passed())
            return false;
        pollfd change{events.get(), POLLPRI, 0};
        (void)::poll(&change, 1, look_at_group_ms);
    }
    return remove_cgroup(cgroup);
}

} // namespace shipit::supervise

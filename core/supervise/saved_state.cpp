#include "core/supervise/saved_state.hpp"

#include "core/base/error.hpp"

#include <algorithm>
#include <charconv>
#include <csignal>

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

namespace shipit::supervise {

namespace {

constexpr const char* state_name = "state.json";
constexpr mode_t state_mode = 0600;

// Where the file is, not by its path: an app's folder may be moved while its processes run. A copy
// of it is another place, and those are none of its own.
std::string identity_of(const Path& folder) {
    struct stat status {};
    if (::stat(folder.c_str(), &status) != 0)
        throw_errno(fmt::format("cannot look at '{}'", folder.string()));
    return fmt::format("{}:{}", status.st_dev, status.st_ino);
}

std::optional<SavedProcess> process_from(const Json& json) {
    SavedProcess saved;
    const std::int64_t release = json["release"].integer();
    saved.name = json["name"].text();
    saved.type = json["type"].text();
    saved.side = side_from(json["slot"].text());
    saved.process.main.pid = static_cast<pid_t>(json["pid"].integer());
    saved.process.main.start_time = static_cast<std::uint64_t>(json["start_time"].integer());
    saved.process.since = parse_time(json["since"].text()).value_or(WallTime());
    saved.process.is_handed = json["handed"].boolean();
    saved.process.cgroup = json["cgroup"].text();
    saved.process.speaks = json["speaks"].boolean();
    saved.process.is_ready = json["said_ready"].boolean();
    saved.process.restarts = static_cast<unsigned>(json["restarts"].integer());
    saved.stop_signal = static_cast<int>(json["stop_signal"].integer(SIGTERM));
    saved.stop_timeout = milliseconds(json["stop_timeout"].integer());
    if (release < 1 || saved.process.main.pid <= 1 || saved.name.empty() ||
        !sys::is_alive(saved.process.main))
        return std::nullopt;
    saved.release = ReleaseNumber(static_cast<std::uint64_t>(release));
    // Up to shipit 0.1 a release had one pipe for each process.
    saved.process.pipe = json["pipe"].text(saved.release.text() + "." + saved.name + ".fifo");
    return saved;
}

// Empty if there is no such file, or it is damaged: what it would name is found by its pipes.
Json json_in(const Path& file) {
    const auto content = sys::read_file_if_any(file);
    try {
        return content ? Json::parse(*content) : Json();
    } catch (const Error&) {
        return {};
    }
}

bool is_our_pipe(const std::string& target, const Path& run_folder) {
    const Path path(target);
    return path.parent_path() == run_folder && path.extension() == ".fifo";
}

} // namespace

void save_state(const Path& run_folder, const std::vector<const Crew*>& crews,
                const Addresses* addresses, const Path& cgroups) {
    Json processes = Json::array();
    std::set<Path> folders{cgroups}; // also those of earlier supervisors, in other groups than ours
    for (const Crew* crew : crews)
        for (const auto& process : crew->processes()) {
            folders.insert(process->cgroup().parent_path());
            if (Json state = process->state(); state.is_object())
                processes.push_back(std::move(state));
        }
    Json saved_folders = Json::array();
    for (const Path& folder : folders)
        if (!folder.empty())
            saved_folders.push_back(folder.string());
    Json json = Json::object({{"boot_id", sys::boot_id()},
                              {"folder", identity_of(run_folder)},
                              {"processes", processes},
                              {"cgroups", saved_folders}});
    if (addresses != nullptr)
        json.set("live_slot", name_of(addresses->live())).set("addresses", addresses->state());
    sys::replace_durably(run_folder / state_name, json.dump() + "\n", state_mode);
}

SavedState saved_state(const Path& run_folder) {
    SavedState result;
    const Json json = json_in(run_folder / state_name);
    if (json["boot_id"].text() != sys::boot_id())
        return {};
    const std::string here = identity_of(run_folder);
    if (json["folder"].text(here) != here) // without one it is an earlier shipit's
        return {};
    result.live = side_from(json["live_slot"].text());
    result.addresses = json["addresses"];
    for (const Json& folder : json["cgroups"].items())
        result.cgroups.insert(folder.text());
    for (const Json& item : json["processes"].items())
        if (auto saved = process_from(item))
            result.processes.push_back(std::move(*saved));
    return result;
}

std::vector<sys::ProcessName> unsaved_processes(const Path& run_folder,
                                                const std::vector<Path>& known) {
    std::vector<sys::ProcessName> result;
    for (const std::string& name : sys::names_in("/proc")) {
        pid_t pid = 0;
        const auto end = name.data() + name.size();
        if (std::from_chars(name.data(), end, pid).ptr != end || pid == ::getpid())
            continue;
        for (const char* fd : {"1", "2"}) {
            std::string target(4096, '\0');
            const Path link = Path("/proc") / name / "fd" / fd;
            const ssize_t size = ::readlink(link.c_str(), target.data(), target.size());
            target.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
            const auto start_time = sys::start_time_of(pid);
            if (start_time && is_our_pipe(target, run_folder) &&
                std::find(known.begin(), known.end(), target) == known.end()) {
                result.push_back({pid, *start_time});
                break;
            }
        }
    }
    return result;
}

SavedState readable_state(const Path& run_folder) {
    try {
        return saved_state(run_folder);
    } catch (const Error&) {
        return {};
    }
}

bool has_left_processes(const Path& run_folder) {
    return !readable_state(run_folder).processes.empty() ||
           !unsaved_processes(run_folder, {}).empty();
}

} // namespace shipit::supervise

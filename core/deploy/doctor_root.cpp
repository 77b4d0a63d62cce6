// The checks of where the apps are kept: the root, its file system, the room on it; and the clock.
#include "core/deploy/doctor_checks.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/supervise/socket_path.hpp"
#include "core/sys/clock.hpp"
#include "core/sys/file_system.hpp"
#include "core/sys/process.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <limits>

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

namespace shipit::deploy {

namespace {

constexpr std::size_t newest_few = 5; // releases of an app

// The root, or what is there of the way to it: where it will be made.
sys::Path existing_part(sys::Path path) {
    while (!sys::is_there(path) && path.has_relative_path())
        path = path.parent_path();
    return path;
}

// 0, or the errno that making something there would end with.
int write_error(const sys::Path& folder) {
    return ::faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

struct stat status_of(const sys::Path& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0)
        throw_errno(fmt::format("cannot look at '{}'", path.string()));
    return status;
}

std::string owner_of(const struct stat& status) {
    try {
        return sys::account_of(std::to_string(status.st_uid)).name;
    } catch (const Error&) { // a number without a name
        return std::to_string(status.st_uid);
    }
}

Finding cannot_write(const sys::Path& folder, int error, const std::string& what_for) {
    if (error == EROFS)
        return problem(
            fmt::format("'{}' is on a read-only file system: {}", folder.string(), what_for),
            "mount it writable, or choose another root with --root or SHIPIT_ROOT; "
            "'dmesg' tells if an error of the disk is the reason");
    const struct stat status = status_of(folder);
    return problem(fmt::format("{} may not write to '{}', which belongs to {} (mode {:04o}): {}",
                               printable(sys::own_account().name), folder.string(),
                               printable(owner_of(status)), status.st_mode & 07777U, what_for),
                   "run shipit as its owner or as root, or choose another root with --root or "
                   "SHIPIT_ROOT");
}

Finding judge_absent_root(const sys::Path& root) {
    const sys::Path parent = existing_part(root);
    if (const int error = write_error(parent))
        return cannot_write(parent, error, fmt::format("'{}' cannot be made there", root.string()));
    const auto absent =
        fmt::format("'{}' is not there yet; 'shipit create APP' makes it", root.string());
    if (::geteuid() != 0 && sys::is_there(release::system_root))
        return note(fmt::format("{}; root's apps are in '{}'", absent, release::system_root),
                    "to look at those, run shipit as root");
    return ok(absent);
}

// Whoever can write to the root can put another app in an app's place.
Findings judge_owner(const sys::Path& root, const struct stat& status) {
    Findings findings;
    if ((status.st_mode & S_IWOTH) != 0)
        findings.push_back(
            problem(fmt::format("everyone on this host may write to '{}' (mode {:04o}), and so "
                                "replace what apps run",
                                root.string(), status.st_mode & 07777U),
                    fmt::format("chmod o-w {}", shell_quoted(root.string()))));
    if (status.st_uid != ::geteuid())
        findings.push_back(
            note(fmt::format("'{}' belongs to {}, who can replace what apps run", root.string(),
                             printable(owner_of(status))),
                 fmt::format("chown {} {}", ::geteuid(), shell_quoted(root.string()))));
    return findings;
}

// Where the trials can be made; empty if nowhere, which check_root() tells.
sys::Path place_for_trials(const Host& host) {
    const sys::Path place = existing_part(host.root);
    return write_error(place) == 0 ? place : sys::Path();
}

constexpr std::string_view trial_prefix = ".doctor-";

// ".doctor-PID.START-": whose trial it is, so that one that was killed is known from one at work.
std::string own_trial_prefix() {
    const pid_t pid = ::getpid();
    return fmt::format("{}{}.{}-", trial_prefix, pid, sys::start_time_of(pid).value_or(0));
}

std::optional<std::uint64_t> number_in(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(number)
                                                                    : std::nullopt;
}

bool is_abandoned_trial(std::string_view name) {
    if (!name.starts_with(trial_prefix))
        return false;
    name.remove_prefix(trial_prefix.size());
    const auto parts = split(name.substr(0, name.find('-')), '.');
    const auto pid = number_in(parts.front());
    const auto start = number_in(parts.back());
    return parts.size() == 2 && pid && start && *pid <= std::numeric_limits<pid_t>::max() &&
           !sys::is_alive({static_cast<pid_t>(*pid), *start});
}

// What was killed could not clear up behind itself.
void remove_abandoned_trials(const sys::Path& place) {
    for (const std::string& name : sys::names_in(place)) {
        if (!is_abandoned_trial(name))
            continue;
        try {
            sys::remove_tree(place / name);
        } catch (const Error&) {
            // Another user's, and his to remove.
        }
    }
}

// The newest releases of all apps; apps and records that cannot be read are told of elsewhere.
template <class Take>
void for_each_new_release(const Host& host, Take&& take) {
    for (const AppName& name : app_names(host)) {
        try {
            const release::Ledger ledger({host.root, name});
            for (const release::Entry& entry : ledger.newest(newest_few))
                if (entry.manifest)
                    take(*entry.manifest);
        } catch (const Error&) {
            continue;
        }
    }
}

std::string called(const release::Manifest& manifest) {
    return fmt::format("{} of '{}'", manifest.number.text(), manifest.app.text());
}

// That of the app which needs the most: its newest slug, packed and unpacked.
Need greatest_need(const Host& host) {
    Need need;
    std::optional<AppName> counted; // only its newest
    for_each_new_release(host, [&](const release::Manifest& manifest) {
        if (!manifest.slug || counted == manifest.app)
            return;
        counted = manifest.app;
        const std::uint64_t bytes = manifest.slug->size + manifest.slug->unpacked;
        if (need.whose.empty() || bytes > need.bytes)
            need = {bytes, manifest.slug->files, called(manifest)};
    });
    return need;
}

} // namespace

Findings check_root(const Host& host) {
    const sys::Path& root = host.root;
    if (!sys::is_there(root))
        return {judge_absent_root(root)};
    const struct stat status = status_of(root);
    if (!S_ISDIR(status.st_mode))
        return {problem(fmt::format("'{}' is no folder", root.string()),
                        "move it away, or choose another root with --root or SHIPIT_ROOT")};
    if (const int error = write_error(root))
        return {cannot_write(root, error, "nothing can be deployed")};
    Findings findings = judge_owner(root, status);
    if (findings.empty())
        findings.push_back(ok(fmt::format("'{}' (apps: {}); only {} may write to it", root.string(),
                                          app_names(host).size(), printable(owner_of(status)))));
    return findings;
}

Findings check_file_system(const Host& host) {
    const sys::Path place = existing_part(host.root);
    const sys::FileSystem found = sys::file_system_of(place);
    const std::string type = printable(found.type);
    Findings findings;
    if (!found.runs_programs)
        findings.push_back(note(fmt::format("'{}' is mounted with 'noexec': releases cannot run "
                                            "programs of their own, only those of the host",
                                            place.string()),
                                "mount it without, or choose another root"));
    if (found.is_in_memory())
        findings.push_back(note(fmt::format("{}, in memory: all apps are gone when the host is "
                                            "started again",
                                            type),
                                "choose a root on a disk, with --root or SHIPIT_ROOT"));
    if (found.is_remote())
        findings.push_back(note(fmt::format("{}, another host's or another program's: whether "
                                            "locks hold and what was written stays is up to that",
                                            type),
                                "choose a root on a disk of this host"));
    if (found.type == "overlay")
        findings.push_back(note("overlay, a container's or a live system's: all apps may be gone "
                                "when that is started again",
                                "choose a root on a volume or a disk"));
    if (!findings.empty())
        return findings;
    if (write_error(place) == 0 && sys::can_clone_in(place))
        return {ok(type + "; files that releases have in common share their blocks")};
    return {ok(type + "; each unpacked release takes all of its room (btrfs and XFS can share)")};
}

Findings check_names(const Host& host) {
    const sys::Path place = place_for_trials(host);
    if (place.empty())
        return {};
    remove_abandoned_trials(place);
    const sys::TempFolder trial(place, own_trial_prefix());
    const sys::Path& folder = trial.path();
    const char* advice = "choose a root on a disk of this host, with --root or SHIPIT_ROOT";
    std::error_code error;
    std::filesystem::create_symlink("releases/v1", folder / "current", error);
    if (!error)
        std::filesystem::create_hard_link(folder / "current", folder / "other", error);
    if (error)
        return {problem(
            fmt::format("no links can be made below '{}': {}", place.string(), error.message()),
            advice)};
    const sys::Path file = folder / "lock";
    const sys::Lock lock(file, {host.origin.text(), "doctor", sys::now(), ::getpid()}, {});
    if (!sys::Lock::holder(file))
        return {problem(fmt::format("locks do not hold below '{}': two commands at once can damage "
                                    "an app",
                                    place.string()),
                        advice)};
    const sys::Fd listening = supervise::listen_at(folder / "socket");
    if (!supervise::connect_to(folder / "socket"))
        return {problem(fmt::format("no Unix socket can be reached below '{}'", place.string()),
                        advice)};
    return {ok("locks, links and Unix sockets work there")};
}

Finding judge_disk(const sys::DiskSpace& space, const Need& need) {
    constexpr std::uint64_t least = 1 << 20; // records, transcripts, logs
    constexpr std::uint64_t comfortable = 200 << 20;
    constexpr std::uint64_t least_files = 100;
    constexpr std::uint64_t times = 3; // this deploy, and the two after it
    const char* advice = "shipit prune --all, or make room otherwise";
    const bool counts_files = space.total_files > 0;
    const std::string needed =
        need.whose.empty() ? ""
                           : fmt::format("; {} takes {} and {}", need.whose, size_text(need.bytes),
                                         counted(need.files, "file"));
    const std::string free =
        fmt::format("{}{} left{}", size_text(space.free_bytes),
                    counts_files ? fmt::format(" and {} inodes", space.free_files) : "", needed);
    if (space.free_bytes < std::max(need.bytes, least) ||
        (counts_files && space.free_files < need.files + least_files))
        return problem(free + (need.whose.empty() ? ": too little for a deploy"
                                                  : ": too little for another one like it"),
                       advice);
    if (space.free_bytes < std::max(times * need.bytes, comfortable) ||
        (counts_files && space.free_files < times * (need.files + least_files)))
        return note(free + ": a few deploys, or an app's own data, will fill it", advice);
    return ok(free);
}

Findings check_disk(const Host& host) {
    return {judge_disk(sys::disk_space(existing_part(host.root)), greatest_need(host))};
}

Finding judge_clock(WallTime now, const std::optional<Past>& latest) {
    constexpr std::chrono::minutes tolerance(1); // of clocks that are being set
    if (!latest || latest->time <= now + tolerance)
        return ok(time_text(now));
    return problem(fmt::format("it is {} by this host's clock, but {} at {}: times in records and "
                               "logs are wrong, and so is what goes by age",
                               time_text(now), latest->what, time_text(latest->time)),
                   "set the clock, and let it be kept right: timedatectl set-ntp true");
}

Findings check_clock(const Host& host) {
    std::optional<Past> latest;
    const auto take = [&latest](WallTime time, const std::string& what) {
        if (!latest || latest->time < time)
            latest = Past{time, what};
    };
    struct stat program {};
    if (::stat(sys::own_program().c_str(), &program) == 0)
        take(WallTime(std::chrono::seconds(program.st_mtim.tv_sec)), "shipit itself was made");
    for_each_new_release(host, [&take](const release::Manifest& manifest) {
        take(manifest.created_at, called(manifest) + " was made");
    });
    return {judge_clock(sys::now(), latest)};
}

} // namespace shipit::deploy

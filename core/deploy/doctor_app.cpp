// The checks of an app's settings, and of what they need of this host.
#include "core/deploy/doctor_checks.hpp"

#include "core/base/text.hpp"
#include "core/config/config_vars.hpp"
#include "core/deploy/forward.hpp"
#include "core/deploy/port.hpp"
#include "core/deploy/release_tree.hpp"
#include "core/supervise/addresses.hpp"
#include "core/supervise/port.hpp"

#include <algorithm>

#include <fmt/core.h>
#include <grp.h>
#include <sys/wait.h>
#include <unistd.h>

namespace shipit::deploy {

namespace {

constexpr int cannot_become = 255;

// In the child; all that is in memory was made before. Gives a number in `way`, from 1, or 0.
int first_closed(const std::vector<std::string>& way, const sys::Account& account) noexcept {
    if (::setgroups(account.groups.size(), account.groups.data()) != 0 ||
        ::setresgid(account.gid, account.gid, account.gid) != 0 ||
        ::setresuid(account.uid, account.uid, account.uid) != 0)
        return cannot_become;
    int number = 0;
    for (const std::string& folder : way) {
        ++number;
        if (::access(folder.c_str(), X_OK) != 0)
            return number;
    }
    return 0;
}

// The first folder on the way to `path` that the account cannot enter: asked by becoming it, so
// that whatever decides that has its say.
std::optional<std::string> closed_folder(const sys::Path& path, const sys::Account& account) {
    std::vector<std::string> way;
    for (sys::Path part = path; part.has_relative_path(); part = part.parent_path())
        way.push_back(part.string());
    std::reverse(way.begin(), way.end());
    const pid_t child = ::fork();
    if (child == 0)
        ::_exit(first_closed(way, account));
    if (child < 0)
        throw_errno("cannot fork");
    int status = 0;
    (void)::waitpid(child, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) == cannot_become)
        throw Error(fmt::format("the kernel does not let shipit become '{}'", account.name))
            .advise("in a container, its user must have a number that is mapped there");
    const auto number = static_cast<std::size_t>(WEXITSTATUS(status));
    return number > 0 ? std::optional(way.at(number - 1)) : std::nullopt;
}

// Nothing if it is gone.
std::optional<uid_t> user_of(pid_t pid) {
    constexpr std::string_view key = "\nUid:\t";
    const auto status = sys::read_file_if_any(fmt::format("/proc/{}/status", pid));
    const auto at = status ? status->find(key) : std::string::npos;
    return at == std::string::npos
               ? std::nullopt
               : std::optional(static_cast<uid_t>(std::stoul(status->substr(at + key.size()))));
}

// What was started before app.user was set, and runs on.
Findings running_as_others(const Examined& app, const sys::Account& account) {
    Findings findings;
    for (const Json& process : app.status["processes"].items()) {
        const std::string state = process["state"].text();
        const auto pid = static_cast<pid_t>(process["pid"].integer());
        const auto user = pid > 0 ? user_of(pid) : std::nullopt;
        if (user && *user != account.uid && state != "warm" && state != "stopping")
            findings.push_back(
                note(fmt::format("app.user is '{}', and {} still runs as '{}'", account.name,
                                 printable(process["name"].text()), sys::user_name(*user)),
                     app.command + " restart"));
    }
    return findings;
}

// Another app of this root whose processes run as another user of the same group.
struct Neighbour {
    AppName app;
    std::string user;
};

std::optional<Neighbour> neighbour_in_group(const App& app, const sys::Account& account) {
    for (const AppName& name : app_names(app.host)) {
        if (name == app.name())
            continue;
        try {
            const App other = App::open(app.host, name);
            const auto theirs = other.account(other.host_settings().app);
            if (theirs && theirs->uid != account.uid && theirs->gid == account.gid)
                return Neighbour{name, theirs->name};
        } catch (const Error&) {
            // Nothing runs as a user that does not exist.
        }
    }
    return std::nullopt;
}

std::string group_name(gid_t gid) {
    const group* entry = ::getgrgid(gid);
    return entry != nullptr ? entry->gr_name : std::to_string(gid);
}

// Trees and shared folders are open to the group of app.user, as `adduser --system` makes it: the
// one that all users have who were not given one.
Findings check_group(const Examined& app, const sys::Account& account) {
    const std::string group = group_name(account.gid);
    const auto neighbour = neighbour_in_group(app.app, account);
    if (!neighbour && group != "nogroup")
        return {};
    const std::string whose = neighbour
                                  ? fmt::format("that of '{}', too, as whom the app '{}' runs",
                                                neighbour->user, neighbour->app.text())
                                  : fmt::format("'{}', which is that of many users", group);
    return {note(fmt::format("the group of '{}' is {}: they may read the app's releases and what "
                             "is in shared",
                             account.name, whose),
                 fmt::format("addgroup --system GROUP; usermod --gid GROUP {}; chgrp -R GROUP {}; "
                             "then {} restart",
                             account.name, shell_quoted(app.app.layout.shared().string()),
                             app.command))};
}

std::vector<std::uint16_t> ports_in(const config::AppSettings& settings) {
    std::vector<std::uint16_t> ports = settings.ports;
    if (settings.port)
        ports.insert(ports.begin(), *settings.port);
    return ports;
}

std::string listed(const std::vector<std::uint16_t>& ports) {
    std::vector<std::string> texts;
    for (const std::uint16_t port : ports)
        texts.push_back(std::to_string(port));
    return joined(texts, ", ");
}

// What keeps the app from listening there; nothing if nothing does.
std::optional<Finding> judge_port(const Examined& app, std::uint16_t port,
                                  const std::vector<std::uint16_t>& own) {
    const std::string other =
        fmt::format("{} set app.port=N, with a port that is free", app.command);
    if (std::find(own.begin(), own.end(), port) != own.end())
        return std::nullopt;
    const auto others = ports_of_others(app.app);
    if (const auto also = others.find(port); also != others.end())
        return problem(fmt::format("port {} is in the settings of the app '{}', too: only one of "
                                   "them can have it",
                                   port, also->second.text()),
                       other);
    if (const auto holder = supervise::holder_of(port))
        return problem(fmt::format("port {} is taken by {}, which is none of the app's: the app "
                                   "cannot listen on it",
                                   port, holder->text()),
                       "end that program, or " + other);
    if (port < lowest_port())
        return problem(fmt::format("port {} is root's: the app cannot listen on it", port),
                       fmt::format("run shipit as root, or {}", other));
    return std::nullopt;
}

} // namespace

Findings check_settings(const Examined& app) {
    if (app.why_no_settings)
        return {problem_of(*app.why_no_settings)};
    if (!app.live) // what app.toml lacks is for the build to say
        return {ok("app.toml is right")};
    Findings findings;
    for (const std::string& warning : app.settings->warnings)
        findings.push_back(note(warning, "see shipit.toml(5)"));
    if (findings.empty())
        findings.push_back(ok("app.toml and the live release's are right"));
    return findings;
}

Findings check_app_user(const Examined& app) {
    if (!app.settings)
        return {};
    const auto account = app.app.account(app.settings->app);
    if (!account && ::geteuid() != 0)
        return {};
    if (!account && !app.has_processes())
        return {};
    if (!account)
        return {note("its processes run as root: whoever breaks into one has the host",
                     app.command + " set app.user=USER")};
    // What it must reach to run at all.
    if (const auto closed = closed_folder(app.app.layout.trees(), *account))
        return {problem(fmt::format("'{}' may not enter '{}': no process can be started",
                                    account->name, *closed),
                        fmt::format("chmod a+x {}", shell_quoted(*closed)))};
    Findings findings = running_as_others(app, *account);
    for (const Closed& closed :
         closed_to(*account, app.app.layout.shared(), app.settings->app.shared))
        findings.push_back(
            problem(why_closed(app.app, *account, closed), how_to_open(app.app, *account, closed)));
    for (Finding& finding : check_group(app, *account))
        findings.push_back(std::move(finding));
    if (findings.empty())
        findings.push_back(ok(fmt::format("its processes run as '{}'", account->name)));
    return findings;
}

Findings check_ports(const Examined& app) {
    if (!app.settings || app.why_silent) // whose a port is cannot be told then
        return {};
    const auto ports = ports_in(app.settings->app);
    const auto own = supervise::ports_of(app.processes());
    Findings findings;
    for (const std::uint16_t port : ports)
        if (auto finding = judge_port(app, port, own))
            findings.push_back(std::move(*finding));
    if (findings.empty() && !ports.empty())
        findings.push_back(ok(fmt::format("{}: free, or the app's", listed(ports))));
    return findings;
}

Findings check_config_vars(const Examined& app) {
    const ConfigVars vars = config::load_config(app.app.layout.config_toml());
    const auto missing =
        app.settings ? config::missing_vars(*app.settings, vars) : std::vector<std::string>{};
    if (missing.empty())
        return {ok(fmt::format("{} set, none missing", vars.size()))};
    return {
        problem(fmt::format("the release needs some that are not set: {}; nothing can be deployed "
                            "without",
                            joined(missing, ", ")),
                fmt::format("{} config set {}", app.command, missing.front()))};
}

// Where there is a supervisor, what that found when it was started is what counts.
Findings check_app_handover(const Examined& app) {
    if (!app.settings || !app.has_processes())
        return {};
    const config::AppSettings& settings = app.settings->app;
    constexpr const char* follows = "the old release stops before the new one starts";
    if (!settings.hands_over)
        return {note(fmt::format("restart, since app.handover says so: {}", follows),
                     app.command + " set app.handover=gated")};
    if (app.status["handover"].text() == "restart")
        return {note(fmt::format("restart: the supervisor found when it was started that {}; so {}",
                                 app.status["why_restart"].text(), follows),
                     fmt::format("if that is mended: kill {} (ends the app); then {} start",
                                 app.status["pid"].integer(), app.command))};
    if (const auto why_not = app.is_supervised ? std::nullopt : supervise::why_no_handover())
        return {note(fmt::format("restart: {}; so {}", *why_not, follows),
                     "see the host's hand-over above")};
    if (!app.has_process_type("web"))
        return {ok("no process is of type web: each stops before the next release's starts, unless "
                   "it may overlap")};
    if (!settings.socket().empty())
        return {ok(fmt::format("gated, through the Unix socket '{}'", settings.socket()))};
    if (!settings.port)
        return {note(fmt::format("restart, since the app has no port and no socket: {}", follows),
                     app.command + " set app.port=N")};
    if (settings.listen_fds)
        return {ok("gated: processes of type web are given their sockets")};
    return {ok("gated: the sockets that processes of type web bind are handed over")};
}

Findings check_hold(const Examined& app) {
    const auto held = app.app.marks.hold_on_app();
    if (!held)
        return {};
    return {note(fmt::format("held by {} since {}: {}; deploys, rollbacks and config changes are "
                             "refused",
                             printable(held->who), time_text(held->at), printable(held->why)),
                 app.command + " hold --clear")};
}

Findings check_health(const Examined& app) {
    if (!app.settings)
        return {};
    if (const auto why_not = why_path_is_not_asked(app.settings->spec))
        return {note(*why_not, "call the one that listens 'web', where the build says what runs")};
    return {};
}

} // namespace shipit::deploy

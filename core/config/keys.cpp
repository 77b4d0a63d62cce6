#include "core/config/keys.hpp"

#include "core/base/rules.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <limits>
#include <type_traits>

#include <arpa/inet.h>
#include <fmt/core.h>

namespace shipit::config {

namespace {

using std::chrono::milliseconds;
using Text = std::string;
using Texts = std::vector<std::string>;
using Numbers = std::vector<std::int64_t>;

// What app.handover may say.
constexpr std::string_view gated = "gated";
constexpr std::string_view restart = "restart";

// What app.listen begins with where it is a Unix socket.
constexpr std::string_view unix_prefix = "unix:";

constexpr std::size_t longest_command = 64 << 10; // MAX_ARG_STRLEN is twice that
constexpr std::int64_t second = 1000;
constexpr std::int64_t hour = 3600 * second;
constexpr std::int64_t day = 24 * hour;
constexpr std::int64_t anything = std::numeric_limits<std::int64_t>::max();

std::string_view without_sig(std::string_view signal) {
    return signal.substr(0, 3) == "SIG" ? signal.substr(3) : signal;
}

// --- What values must be ---

std::string command_complaint(const Value& value) {
    const bool fits = std::get<Text>(value).size() <= longest_command;
    return fits ? "" : fmt::format("must not be longer than {}", size_text(longest_command));
}

std::string process_command_complaint(const Value& value) {
    if (trimmed(std::get<Text>(value)).empty())
        return "must not be empty";
    return command_complaint(value);
}

std::string watchdog_complaint(const Value& value) {
    constexpr milliseconds shortest{100};
    const auto duration = std::get<milliseconds>(value);
    const bool fits = duration.count() == 0 || duration >= shortest;
    return fits ? "" : fmt::format("must be 0 or at least {}", duration_text(shortest));
}

std::string signal_complaint(const Value& value) {
    if (is_stop_signal(without_sig(std::get<Text>(value))))
        return "";
    return "must be one of TERM, INT, QUIT, HUP, USR1, USR2, KILL and WINCH";
}

bool is_visible_ascii(char c) {
    return c > ' ' && c <= '~';
}

std::string path_complaint(const Value& value) {
    const auto& path = std::get<Text>(value);
    if (path.empty())
        return "";
    if (path.front() != '/')
        return "must begin with '/', like \"/healthz\"";
    if (path.size() > 2048 || !std::all_of(path.begin(), path.end(), is_visible_ascii))
        return "must be an HTTP path: up to 2048 printable ASCII characters without spaces";
    return "";
}

std::string name_complaint(const Value& value) {
    if (AppName::is_valid(std::get<Text>(value)))
        return "";
    return "must be 1 to 63 of a-z, 0-9, '-' and '_', beginning with a letter or a digit";
}

std::string user_complaint(const Value& value) {
    const auto& user = std::get<Text>(value);
    const auto is_fit = [](char c) { return is_visible_ascii(c) && c != ':' && c != '/'; };
    if (user.size() > 256 || !std::all_of(user.begin(), user.end(), is_fit))
        return "must be the name or the number of a user of this host";
    return "";
}

bool is_clean_relative_path(std::string_view path) {
    constexpr std::size_t longest_name = 255;
    constexpr std::size_t longest_path = 1024;
    if (path.size() > longest_path)
        return false;
    for (const std::string_view name : split(path, '/'))
        if (name.empty() || name == "." || name == ".." || name.size() > longest_name)
            return false;
    return true;
}

bool is_inside(std::string_view path, std::string_view folder) {
    return path.size() > folder.size() && path.substr(0, folder.size()) == folder &&
           path[folder.size()] == '/';
}

std::string shared_complaint(const Value& value) {
    const auto& paths = std::get<Texts>(value);
    for (const std::string& path : paths) {
        if (!is_clean_relative_path(path))
            return fmt::format("must hold relative paths without '.', '..' and empty parts, "
                               "not '{}'",
                               printable(path));
        if (std::count(paths.begin(), paths.end(), path) > 1)
            return fmt::format("holds '{}' twice", printable(path));
        for (const std::string& other : paths)
            if (is_inside(path, other))
                return fmt::format("holds '{}' and '{}', which lies inside it", printable(other),
                                   printable(path));
    }
    return "";
}

std::string required_complaint(const Value& value) {
    for (const std::string& name : std::get<Texts>(value))
        if (!is_variable_name(name))
            return fmt::format("holds '{}', which is no name for a config var", printable(name));
    return "";
}

std::string ports_complaint(const Value& value) {
    constexpr std::int64_t highest = 65535;
    const auto& ports = std::get<Numbers>(value);
    for (const std::int64_t port : ports) {
        if (port < 1 || port > highest)
            return fmt::format("must hold ports from 1 to {}, not {}", highest, port);
        if (std::count(ports.begin(), ports.end(), port) > 1)
            return fmt::format("holds {} twice", port);
    }
    return "";
}

// "run/web.sock": in the folder that is there for it, where nothing of shipit's has such a name.
bool is_socket_path(std::string_view path) {
    constexpr std::string_view folder = "run/";
    constexpr std::string_view ending = ".sock";
    constexpr std::size_t longest = 64;
    if (!path.starts_with(folder) || !path.ends_with(ending))
        return false;
    const std::string_view name = path.substr(folder.size());
    const auto is_plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_' || c == '.';
    };
    return name.size() > ending.size() && name.size() <= longest && name.front() != '.' &&
           name != "control.sock" && name != "notify.sock" &&
           std::all_of(name.begin(), name.end(), is_plain);
}

std::string listen_complaint(const Value& value) {
    const auto& host = std::get<Text>(value);
    if (host.starts_with(unix_prefix))
        return is_socket_path(std::string_view(host).substr(unix_prefix.size()))
                   ? ""
                   : "must be \"unix:run/NAME.sock\", for a Unix socket";
    in6_addr address{};
    if (host.empty() || ::inet_pton(AF_INET, host.c_str(), &address) == 1 ||
        ::inet_pton(AF_INET6, host.c_str(), &address) == 1)
        return "";
    return "must be an address of this host, like \"127.0.0.1\" or \"::1\", or "
           "\"unix:run/NAME.sock\"";
}

std::string handover_complaint(const Value& value) {
    const auto& way = std::get<Text>(value);
    return way == gated || way == restart ? "" : "must be \"gated\" or \"restart\"";
}

// --- Where values go ---

ProcessType& process_of(Settings& into, std::string_view name) {
    for (ProcessType& process : into.spec.processes)
        if (process.name == name)
            return process;
    ProcessType process;
    process.name = name;
    into.spec.processes.push_back(std::move(process));
    return into.spec.processes.back();
}

// Stores into settings.*path…, as put<milliseconds, &Settings::spec, &ReleaseSpec::health, …>.
template <class Stored, auto... path>
void put(Settings& into, std::string_view /*process*/, const Value& value) {
    auto& place = (into.*....*path);
    place = static_cast<std::remove_reference_t<decltype(place)>>(std::get<Stored>(value));
}

template <class Stored, auto member>
void put_process(Settings& into, std::string_view name, const Value& value) {
    auto& place = process_of(into, name).*member;
    place = static_cast<std::remove_reference_t<decltype(place)>>(std::get<Stored>(value));
}

void put_name(Settings& into, std::string_view /*process*/, const Value& value) {
    into.name = AppName::parse(std::get<Text>(value));
}

void put_signal(Settings& into, std::string_view name, const Value& value) {
    process_of(into, name).stop_signal = without_sig(std::get<Text>(value));
}

void put_ports(Settings& into, std::string_view /*process*/, const Value& value) {
    into.app.ports.clear();
    for (const std::int64_t port : std::get<Numbers>(value))
        into.app.ports.push_back(static_cast<std::uint16_t>(port));
}

void put_handover(Settings& into, std::string_view /*process*/, const Value& value) {
    into.app.hands_over = std::get<Text>(value) == gated;
}

constexpr auto spec = &Settings::spec;
constexpr auto app = &Settings::app;
constexpr auto retention = &Settings::retention;
constexpr auto release = &ReleaseSpec::release_command;
constexpr auto health = &ReleaseSpec::health;
constexpr auto limits = &Settings::archive_limits;
constexpr auto hooks = &Settings::hooks;
constexpr auto build = &Settings::build;

constexpr Key all_keys[] = {
    {"name", Kind::text, 0, 0, name_complaint, put_name},

    {"processes.*.command", Kind::text, 0, 0, process_command_complaint,
     put_process<Text, &ProcessType::command>},
    {"processes.*.count", Kind::number, 0, 1000, nullptr,
     put_process<std::int64_t, &ProcessType::count>},
    {"processes.*.notify", Kind::flag, 0, 0, nullptr, put_process<bool, &ProcessType::notify>},
    {"processes.*.overlap", Kind::flag, 0, 0, nullptr, put_process<bool, &ProcessType::overlap>},
    {"processes.*.stop_signal", Kind::text, 0, 0, signal_complaint, put_signal},
    {"processes.*.stop_timeout", Kind::duration, 0, day, nullptr,
     put_process<milliseconds, &ProcessType::stop_timeout>},
    {"processes.*.watchdog", Kind::duration, 0, day, watchdog_complaint,
     put_process<milliseconds, &ProcessType::watchdog>},

    {"build.command", Kind::text, 0, 0, command_complaint,
     put<Text, build, &BuildCommand::command>},
    {"build.timeout", Kind::duration, second, day, nullptr,
     put<milliseconds, build, &BuildCommand::timeout>},

    {"release.command", Kind::text, 0, 0, command_complaint,
     put<Text, spec, release, &ReleaseCommand::command>},
    {"release.irreversible", Kind::flag, 0, 0, nullptr, put<bool, &Settings::is_irreversible>},
    {"release.timeout", Kind::duration, second, day, nullptr,
     put<milliseconds, spec, release, &ReleaseCommand::timeout>},

    {"health.path", Kind::text, 0, 0, path_complaint, put<Text, spec, health, &Health::path>},
    {"health.command", Kind::text, 0, 0, command_complaint,
     put<Text, spec, health, &Health::command>},
    {"health.timeout", Kind::duration, 100, day, nullptr,
     put<milliseconds, spec, health, &Health::timeout>},
    {"health.passes", Kind::number, 1, 1000, nullptr,
     put<std::int64_t, spec, health, &Health::passes>},
    {"health.watch", Kind::duration, 0, day, nullptr,
     put<milliseconds, spec, health, &Health::watch>},
    {"health.warm", Kind::duration, 0, day, nullptr,
     put<milliseconds, spec, health, &Health::warm>},

    {"app.user", Kind::text, 0, 0, user_complaint, put<Text, app, &AppSettings::user>},
    {"app.port", Kind::number, 1, 65535, nullptr, put<std::int64_t, app, &AppSettings::port>},
    {"app.ports", Kind::numbers, 0, 0, ports_complaint, put_ports},
    {"app.listen_fds", Kind::flag, 0, 0, nullptr, put<bool, app, &AppSettings::listen_fds>},
    {"app.listen", Kind::text, 0, 0, listen_complaint, put<Text, app, &AppSettings::listen>},
    {"app.handover", Kind::text, 0, 0, handover_complaint, put_handover},
    {"app.shared", Kind::list, 0, 0, shared_complaint, put<Texts, app, &AppSettings::shared>},
    {"app.reload", Kind::text, 0, 0, command_complaint, put<Text, app, &AppSettings::reload>},

    {"hooks.deployed", Kind::text, 0, 0, command_complaint, put<Text, hooks, &Hooks::deployed>},
    {"hooks.failed", Kind::text, 0, 0, command_complaint, put<Text, hooks, &Hooks::failed>},
    {"hooks.rolled_back", Kind::text, 0, 0, command_complaint,
     put<Text, hooks, &Hooks::rolled_back>},
    {"hooks.crashed", Kind::text, 0, 0, command_complaint, put<Text, hooks, &Hooks::crashed>},
    {"hooks.timeout", Kind::duration, second, hour, nullptr,
     put<milliseconds, hooks, &Hooks::timeout>},

    {"retention.keep", Kind::number, 1, 1'000'000, nullptr,
     put<std::int64_t, retention, &Retention::keep>},
    {"retention.older_than", Kind::duration, hour, 36500 * day, nullptr,
     put<milliseconds, retention, &Retention::older_than>},
    {"retention.max_size", Kind::size, 1, anything, nullptr,
     put<std::uint64_t, retention, &Retention::max_size>},
    {"retention.keep_failed", Kind::number, 0, 1'000'000, nullptr,
     put<std::int64_t, retention, &Retention::keep_failed>},

    {"slug.level", Kind::number, 1, 19, nullptr, put<std::int64_t, &Settings::slug_level>},
    {"slug.max_entries", Kind::number, 1, anything, nullptr,
     put<std::int64_t, limits, &ArchiveLimits::max_entries>, true},
    {"slug.max_bytes", Kind::size, 1, anything, nullptr,
     put<std::uint64_t, limits, &ArchiveLimits::max_bytes>, true},
    // The most that slugs, and file systems, can take.
    {"slug.max_depth", Kind::number, 1, 256, nullptr,
     put<std::int64_t, limits, &ArchiveLimits::max_depth>, true},
    {"slug.max_path", Kind::number, 1, 4095, nullptr,
     put<std::int64_t, limits, &ArchiveLimits::max_path>, true},
    {"slug.max_name", Kind::number, 1, 255, nullptr,
     put<std::int64_t, limits, &ArchiveLimits::max_name>, true},
    {"slug.max_expansion", Kind::number, 1, anything, nullptr,
     put<std::int64_t, limits, &ArchiveLimits::max_expansion>, true},
    {"slug.outside_links", Kind::flag, 0, 0, nullptr,
     put<bool, limits, &ArchiveLimits::outside_links>, true},

    {"config.required", Kind::list, 0, 0, required_complaint, put<Texts, &Settings::required_vars>},
};

std::string range_complaint(const Key& key, std::int64_t value,
                            std::string (*shown)(std::int64_t)) {
    if (value >= key.least && value <= key.most)
        return "";
    if (key.most == anything)
        return fmt::format("must be at least {}, not {}", shown(key.least), shown(value));
    return fmt::format("must be from {} to {}, not {}", shown(key.least), shown(key.most),
                       shown(value));
}

std::string shown_number(std::int64_t value) {
    return std::to_string(value);
}
std::string shown_duration(std::int64_t value) {
    return duration_text(milliseconds(value));
}

} // namespace

std::string AppSettings::socket() const {
    return listen.starts_with(unix_prefix) ? listen.substr(unix_prefix.size()) : "";
}

std::span<const Key> keys() {
    return all_keys;
}

Effect effect_of(const Key& key) {
    if (key.path.starts_with("hooks.") || key.path.starts_with("retention."))
        return Effect::at_once;
    // A restart takes the rest from the manifest of what is live.
    if (key.path.starts_with("app.") || key.path == "processes.*.count")
        return Effect::restart;
    return Effect::next_deploy;
}

const Key* find_key(std::string_view path) {
    const auto parts = split(path, '.');
    std::string pattern(path);
    if (parts.size() == 3 && is_process_name(parts[1]))
        pattern = fmt::format("{}.*.{}", parts[0], parts[2]);
    for (const Key& key : all_keys)
        if (key.path == pattern)
            return &key;
    return nullptr;
}

std::string complaint_about(const Key& key, const Value& value) {
    std::string complaint;
    if (key.kind == Kind::number)
        complaint = range_complaint(key, std::get<std::int64_t>(value), shown_number);
    else if (key.kind == Kind::duration)
        complaint = range_complaint(key, std::get<milliseconds>(value).count(), shown_duration);
    else if (key.kind == Kind::size && std::get<std::uint64_t>(value) == 0)
        complaint = "must be more than 0";
    if (complaint.empty() && key.complaint != nullptr)
        complaint = key.complaint(value);
    return complaint;
}

} // namespace shipit::config

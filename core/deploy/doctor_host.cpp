// The checks of who we are and of what the kernel gives us.
#include "core/deploy/doctor_checks.hpp"

#include "core/base/text.hpp"
#include "core/supervise/addresses.hpp"
#include "core/supervise/cgroup.hpp"

#include <charconv>

#include <fmt/core.h>
#include <linux/capability.h>
#include <unistd.h>

namespace shipit::deploy {

namespace {

constexpr unsigned first_unprivileged_port = 1024; // the kernel's default

unsigned number_in(std::string_view text, unsigned otherwise) {
    text = trimmed(text);
    unsigned number = otherwise;
    (void)std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

// Root in a container may lack some of root's rights. Whoever cannot be asked has all.
bool has_capability(unsigned capability) {
    constexpr std::string_view name = "CapEff:";
    const std::string status = sys::read_file("/proc/self/status");
    for (const std::string_view line : split(status, '\n'))
        if (line.starts_with(name)) {
            const std::string_view digits = trimmed(line.substr(name.size()));
            std::uint64_t all = 0;
            (void)std::from_chars(digits.data(), digits.data() + digits.size(), all, 16);
            return (all >> capability & 1U) != 0;
        }
    return ::geteuid() == 0;
}

Finding judge_root() {
    if (!has_capability(CAP_SETUID) || !has_capability(CAP_SETGID) || !has_capability(CAP_CHOWN))
        return problem("root, but without the right to become other users (CAP_SETUID, CAP_SETGID, "
                       "CAP_CHOWN): an app with app.user cannot be started",
                       "give these capabilities to the container or unit that shipit is in");
    if (lowest_port() > 1)
        return note(fmt::format("root, but without CAP_NET_BIND_SERVICE: no app can listen on a "
                                "port below {}",
                                lowest_port()),
                    "give this capability to the container or unit that shipit is in");
    return ok("root: apps can have users of their own (app.user) and ports below 1024");
}

} // namespace

unsigned lowest_port() {
    if (has_capability(CAP_NET_BIND_SERVICE))
        return 1;
    const auto first = sys::read_file_if_any("/proc/sys/net/ipv4/ip_unprivileged_port_start", 64);
    return first ? number_in(*first, first_unprivileged_port) : first_unprivileged_port;
}

Findings check_user(const Host& /*host*/) {
    if (::geteuid() == 0)
        return {judge_root()};
    return {
        note(fmt::format("{}, not root: all apps run as {}, which can change their files, and "
                         "have no ports below {}",
                         printable(sys::own_account().name), printable(sys::own_account().name),
                         lowest_port()),
             "nothing, if that will do; else run shipit as root, with an app.user for each app")};
}

Findings check_handover(const Host& /*host*/) {
    const auto why_not = supervise::why_no_handover();
    if (!why_not)
        return {ok("gated: a new release starts beside the old one and takes over its sockets, so "
                   "that no request is lost")};
    return {
        note(fmt::format("restart: {}; so the old release stops before the new one starts, and "
                         "requests that come in between are lost",
                         *why_not),
             "run shipit on Linux 5.9 or newer, outside of what is in the way; see HAND-OVER in "
             "shipit(1)")};
}

Findings check_cgroups(const Host& host) {
    try {
        // Under a name that no app's has: none of theirs is touched.
        const sys::Path group =
            supervise::app_cgroup(host.root / fmt::format(".doctor-{}", ::getpid()));
        return {ok(fmt::format("each process gets a group of its own below '{}', and ends with all "
                               "that it started",
                               printable(group.parent_path().string())))};
    } catch (const Error& error) {
        return {note(fmt::format("{}; so what a process started is searched for and killed one by "
                                 "one when it ends",
                                 error.why()),
                     "to have them: Linux 5.14 or newer with control groups of version 2, and "
                     "shipit as root or in a systemd unit with Delegate=yes")};
    }
}

} // namespace shipit::deploy

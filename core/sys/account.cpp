#include "core/sys/account.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/sys/file.hpp"
#include "core/sys/process.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include <fmt/core.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

namespace shipit::sys {

namespace {

std::optional<uid_t> as_uid(const std::string& text) {
    uid_t uid = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), uid);
    if (error != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return uid;
}

std::vector<gid_t> groups_of(const char* name, gid_t gid) {
    int count = 64;
    std::vector<gid_t> groups(static_cast<std::size_t>(count));
    if (::getgrouplist(name, gid, groups.data(), &count) < 0) {
        groups.resize(static_cast<std::size_t>(count)); // now the number that is needed
        if (::getgrouplist(name, gid, groups.data(), &count) < 0)
            throw Error(fmt::format("cannot list the groups of user '{}'", name));
    }
    groups.resize(static_cast<std::size_t>(count));
    return groups;
}

Account from(const passwd& entry) {
    return {entry.pw_name, entry.pw_uid,   entry.pw_gid,
            entry.pw_dir,  entry.pw_shell, groups_of(entry.pw_name, entry.pw_gid)};
}

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
}

// Of whoever logged in to the session that this process belongs to, whatever became of its uid;
// nothing for what no session has started.
std::optional<std::string> login_name() {
    try {
        const auto uid = as_uid(std::string(trimmed(read_file("/proc/self/loginuid", 64))));
        if (!uid || *uid == static_cast<uid_t>(-1))
            return std::nullopt;
        const passwd* entry = ::getpwuid(*uid);
        return entry != nullptr ? std::optional<std::string>(entry->pw_name) : std::nullopt;
    } catch (const Error&) {
        return std::nullopt; // a kernel without audit
    }
}

// The variable as a process was started with; nothing if it is not ours to know.
std::string variable_of(pid_t pid, const std::string& name) {
    constexpr std::uint64_t largest_environment = 4 << 20;
    try {
        const std::string all =
            read_file("/proc/" + std::to_string(pid) + "/environ", largest_environment);
        for (const std::string_view entry : split(all, '\0'))
            if (entry.starts_with(name + "="))
                return std::string(entry.substr(name.size() + 1));
    } catch (const Error&) {
        // another user's, or gone
    }
    return "";
}

// Ours, or the nearest ancestor's that has it.
std::string inherited_variable(const char* name) {
    constexpr unsigned deepest = 20;
    std::string value = environment(name);
    auto ancestor = parent_of(::getpid());
    for (unsigned depth = 0; value.empty() && ancestor && *ancestor > 1 && depth < deepest;
         ++depth) {
        value = variable_of(*ancestor, name);
        ancestor = parent_of(*ancestor);
    }
    return value;
}

} // namespace

Account account_of(const std::string& name_or_uid) {
    // getpwnam(3) is not for threads; accounts are looked up before any thread or child is started.
    const passwd* entry = ::getpwnam(name_or_uid.c_str());
    if (entry == nullptr)
        if (const auto uid = as_uid(name_or_uid))
            entry = ::getpwuid(*uid);
    if (entry == nullptr)
        throw Error(fmt::format("there is no user '{}' on this host", printable(name_or_uid)),
                    Outcome::usage)
            .advise(
                fmt::format("make the user with 'adduser --system --group {}', or change app.user",
                            shell_quoted(printable(name_or_uid))));
    return from(*entry);
}

std::string user_name(uid_t uid) {
    try {
        return account_of(std::to_string(uid)).name;
    } catch (const Error&) {
        return std::to_string(uid);
    }
}

bool lingers(const Account& account) {
    return is_there(Path("/var/lib/systemd/linger") / account.name); // systemd, logind-user.c
}

bool may_write(const Account& account, const struct stat& status) {
    if (account.uid == 0)
        return true;
    if (status.st_uid == account.uid)
        return (status.st_mode & S_IWUSR) != 0;
    const bool is_of_group =
        status.st_gid == account.gid || std::find(account.groups.begin(), account.groups.end(),
                                                  status.st_gid) != account.groups.end();
    return (status.st_mode & (is_of_group ? S_IWGRP : S_IWOTH)) != 0;
}

Account own_account() {
    const uid_t uid = ::geteuid();
    if (const passwd* entry = ::getpwuid(uid))
        return from(*entry);
    return {std::to_string(uid), uid, ::getegid(), "/", "/bin/sh", {::getegid()}};
}

std::string Origin::text() const {
    return address.empty() ? user : fmt::format("{} (from {})", user, address);
}

Origin origin() {
    Origin result{own_account().name, ""};
    const std::string by_sudo = environment("SUDO_USER");
    if (::geteuid() == 0 && !by_sudo.empty())
        result.user = printable(by_sudo);
    else if (const auto name = login_name())
        result.user = *name;
    if (const std::string key = environment("SHIPIT_KEY"); !key.empty())
        result.user = printable(key) + " as " + result.user;
    // "client-address client-port server-address server-port", ssh(1)
    const std::string connection = inherited_variable("SSH_CONNECTION");
    result.address = printable(connection.substr(0, connection.find(' ')));
    return result;
}

} // namespace shipit::sys

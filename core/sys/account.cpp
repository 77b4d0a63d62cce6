#include "core/sys/account.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

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
            .advise("make the user with 'adduser --system', or change app.user");
    return from(*entry);
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
    if (::geteuid() == 0 && !environment("SUDO_USER").empty())
        result.user = printable(environment("SUDO_USER"));
    // "client-address client-port server-address server-port", ssh(1)
    const std::string connection = environment("SSH_CONNECTION");
    result.address = printable(connection.substr(0, connection.find(' ')));
    return result;
}

} // namespace shipit::sys

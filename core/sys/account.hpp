// Users of this host, and who is really there behind sudo and ssh.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <sys/stat.h>
#include <sys/types.h>

namespace shipit::sys {

struct Account {
    std::string name;
    uid_t uid;
    gid_t gid;
    std::string home;
    std::string shell;
    std::vector<gid_t> groups; // supplementary, for setgroups(2)
};

// By name, or by number in decimal. Throws Error (usage): "there is no user 'www-dat'".
[[nodiscard]] Account account_of(const std::string& name_or_uid);
// "root"; the number where there is no such user.
[[nodiscard]] std::string user_name(uid_t uid);
[[nodiscard]] Account own_account(); // of the effective user; never throws for a uid without entry

// Whether the user's services, and his /run/user/UID, outlast his sessions: loginctl(1),
// enable-linger.
[[nodiscard]] bool lingers(const Account& account);

// Whether it may write to what has this owner, group and mode; as these say, without ACLs.
[[nodiscard]] bool may_write(const Account& account, const struct stat& status);

// Who runs this command, for records, never for permissions. The user who logged in, through sudo
// (SUDO_USER, only believed of root) and su (the kernel's login uid); the client's address through
// ssh (SSH_CONNECTION), also where sudo has taken that out of the environment: then an ancestor of
// this process still has it. Behind a deploy key, whose name shipit receive leaves in SHIPIT_KEY,
// that too: "ci@example as deploy".
struct Origin {
    std::string user;
    std::string address; // empty if not over ssh

    [[nodiscard]] std::string text() const; // "alice (from 10.0.0.7)"
};
[[nodiscard]] Origin origin();

} // namespace shipit::sys

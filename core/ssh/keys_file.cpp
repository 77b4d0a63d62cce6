#include "core/ssh/keys_file.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/sys/account.hpp"

#include <cerrno>
#include <filesystem>

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace shipit::ssh {

namespace {

constexpr mode_t private_folder = 0700;
constexpr mode_t private_file = 0600;
constexpr mode_t readable_file = 0644;
constexpr mode_t writable_by_others = S_IWGRP | S_IWOTH;
constexpr mode_t permissions = 07777;

std::optional<struct stat> status_of(const sys::Path& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0)
        return status;
    return std::nullopt;
}

// Of the folder that is there, or of the nearest above it.
uid_t owner_of(sys::Path folder) {
    for (;;) {
        if (const auto status = status_of(folder))
            return status->st_uid;
        if (folder == folder.parent_path())
            return ::geteuid();
        folder = folder.parent_path();
    }
}

sys::Fd locked(const sys::Path& folder) {
    sys::Fd lock = sys::open_file(folder, O_RDONLY | O_DIRECTORY);
    while (::flock(lock.get(), LOCK_EX) != 0)
        if (errno != EINTR)
            throw_errno(fmt::format("cannot lock '{}'", printable(folder.string())));
    return lock;
}

} // namespace

sys::Path KeysFile::own() {
    const std::string home = sys::own_account().home;
    if (home.empty())
        throw Error("there is no home folder, and so no ~/.ssh/authorized_keys", Outcome::usage)
            .advise("say which file with --file");
    return sys::Path(home) / ".ssh/authorized_keys";
}

KeysFile::KeysFile(const sys::Path& file, For use)
    : m_path(std::filesystem::absolute(file).lexically_normal()) {
    m_owner.emplace(owner_of(m_path.parent_path()));
    if (sys::link_target(m_path))
        m_path = std::filesystem::weakly_canonical(m_path);
    if (use == For::reading)
        return;
    const sys::Path folder = m_path.parent_path();
    if (!sys::is_there(folder))
        sys::make_folders(folder, private_folder);
    m_lock = locked(folder);
}

std::string KeysFile::text() const {
    return sys::read_file_if_any(m_path).value_or("");
}

void KeysFile::replace(const std::string& text) const {
    const auto before = status_of(m_path);
    if (before) {
        const mode_t mode = before->st_mode & permissions & ~writable_by_others;
        sys::replace_durably(m_path, text, mode, sys::Owner{before->st_uid, before->st_gid});
        return;
    }
    const bool is_own = m_path.parent_path().filename() == ".ssh";
    sys::replace_durably(m_path, text, is_own ? private_file : readable_file);
}

std::string KeysFile::complaint() const {
    for (const sys::Path& path :
         {m_path, m_path.parent_path(), m_path.parent_path().parent_path()}) {
        const auto status = status_of(path);
        if (status && (status->st_mode & writable_by_others) != 0)
            return fmt::format("others may write to '{}', so that sshd takes no key from '{}' "
                               "(StrictModes); to mend it: chmod go-w {}",
                               printable(path.string()), printable(m_path.string()),
                               printable(shell_quoted(path.string())));
    }
    return "";
}

} // namespace shipit::ssh

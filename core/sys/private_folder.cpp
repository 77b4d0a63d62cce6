#include "core/sys/private_folder.hpp"

#include "core/base/error.hpp"
#include "core/sys/file_system.hpp"

#include <ctime>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace shipit::sys {

namespace {

Fd opened_folder(const Path& path) {
    return Fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

// Ours, and nobody's any more: whoever lives holds a lock. One that was made just now may not be
// locked yet.
bool is_abandoned(const Path& path) {
    constexpr std::time_t long_ago = 60; // seconds
    const Fd folder = opened_folder(path);
    struct stat status {};
    return folder && ::fstat(folder.get(), &status) == 0 && status.st_uid == ::geteuid() &&
           status.st_mtime + long_ago < std::time(nullptr) &&
           ::flock(folder.get(), LOCK_EX | LOCK_NB) == 0;
}

void remove_abandoned(const Path& place, const std::string& prefix) {
    for (const std::string& name : names_in(place))
        if (name.starts_with(prefix) && is_abandoned(place / name))
            remove_tree(place / name);
}

TempFolder made(const std::string& prefix, const Path& otherwise) {
    for (const char* place : {"/dev/shm", "/run"}) {
        try {
            if (file_system_of(place).is_in_memory())
                return {place, prefix};
        } catch (const Error&) {
            // Not there, or not ours to write: the next one.
        }
    }
    return {otherwise, prefix};
}

} // namespace

PrivateFolder::PrivateFolder(const std::string& prefix, const Path& otherwise)
    : m_folder(made(prefix, otherwise)), m_in_use(opened_folder(m_folder.path())) {
    if (!m_in_use || ::flock(m_in_use.get(), LOCK_EX | LOCK_NB) != 0)
        throw_errno("cannot lock '" + m_folder.path().string() + "'");
    try {
        remove_abandoned(m_folder.path().parent_path(), prefix);
    } catch (const Error&) {
        // What others left is not worth failing for; the next one tries again.
    }
}

} // namespace shipit::sys

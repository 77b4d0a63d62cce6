#include "core/sys/private_folder.hpp"

#include "core/base/error.hpp"
#include "core/sys/file_system.hpp"

#include <sys/stat.h>
#include <unistd.h>

namespace shipit::sys {

namespace {

bool is_ours(const Path& path) {
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) &&
           status.st_uid == ::geteuid();
}

void remove_abandoned(const Path& place, const std::string& prefix) {
    for (const std::string& name : names_in(place))
        if (name.starts_with(prefix) && is_ours(place / name))
            (void)remove_if_abandoned(place / name);
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
    : m_folder(made(prefix, otherwise)) {
    try {
        remove_abandoned(m_folder.path().parent_path(), prefix);
    } catch (const Error&) {
        // What others left is not worth failing for; the next one tries again.
    }
}

} // namespace shipit::sys

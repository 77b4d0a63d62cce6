#include "core/base/error.hpp"
#include "core/sys/file.hpp"

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <exception>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace shipit::sys {

namespace {

std::atomic<bool> something_left = false;

Fd opened_folder(const Path& path) {
    return Fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

Fd opened_file(const Path& path) {
    return Fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
}

bool lock(const Fd& fd) {
    return ::flock(fd.get(), LOCK_EX | LOCK_NB) == 0;
}

Path make_folder(const Path& parent, const std::string& prefix) {
    std::string pattern = (parent / (prefix + "XXXXXX")).string();
    if (::mkdtemp(pattern.data()) == nullptr) // 0700, mkdtemp(3)
        throw_errno("cannot make a folder in '" + parent.string() + "'");
    return pattern;
}

} // namespace

std::optional<Fd> hold(const Path& file) {
    Fd fd = opened_file(file);
    int result = -1;
    while (fd && (result = ::flock(fd.get(), LOCK_SH)) != 0 && errno == EINTR) {
    }
    return fd && result == 0 && is_by_that_name(fd, file) ? std::optional(std::move(fd))
                                                          : std::nullopt;
}

std::optional<Fd> hold_alone(const Path& file) {
    Fd fd = opened_file(file);
    if (!fd || (!lock(fd) && errno == EWOULDBLOCK))
        return std::nullopt;
    return fd;
}

bool is_held(const Path& file) {
    const Fd fd = opened_file(file);
    return fd && !lock(fd) && errno == EWOULDBLOCK;
}

void note_leftover() noexcept {
    something_left = true;
}

bool has_left_something() noexcept {
    return something_left;
}

// Whoever tidies may have found it before it was locked, and remove it: then the next one is made.
TempFolder::TempFolder(const Path& parent, const std::string& prefix) {
    while (!m_in_use) {
        m_path = make_folder(parent, prefix);
        m_in_use = opened_folder(m_path);
        if (m_in_use && lock(m_in_use))
            return;
        if (errno != ENOENT && errno != EWOULDBLOCK) {
            const int why = errno;
            (void)::rmdir(m_path.c_str());
            errno = why;
            throw_errno("cannot lock '" + m_path.string() + "'");
        }
        m_in_use = Fd();
    }
}

TempFolder::TempFolder(TempFolder&& other) noexcept
    : m_path(std::move(other.m_path)), m_in_use(std::move(other.m_in_use)) {
    other.m_path.clear();
}

void TempFolder::keep() {
    m_path.clear();
    m_in_use = Fd();
}

TempFolder::~TempFolder() {
    if (m_path.empty())
        return;
    try {
        remove_tree(m_path);
    } catch (const std::exception&) {
        // What is left is named so that the next command's tidying finds it.
    }
}

// Held until it is gone: its maker, if it was made just now, finds it so and makes another.
bool remove_if_abandoned(const Path& path) {
    const Fd folder = opened_folder(path);
    if (folder && !lock(folder) && errno == EWOULDBLOCK)
        return false;
    remove_tree(path);
    return true;
}

} // namespace shipit::sys

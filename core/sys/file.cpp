#include "core/sys/file.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/sys/batch.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace shipit::sys {

namespace {

std::string named(const char* verb, const Path& path) {
    return std::string(verb) + " '" + printable(path.string()) + "'";
}

Path folder_of(const Path& path) {
    const Path parent = path.parent_path();
    return parent.empty() ? Path(".") : parent;
}

void remove_temporary(const std::string& file) noexcept {
    if (::unlink(file.c_str()) != 0 && errno != ENOENT)
        note_leftover();
}

// A file beside `path` that becomes `path` or disappears.
class Replacement {
  public:
    Replacement(const Path& path, mode_t mode) : m_path(path) {
        std::string pattern = (folder_of(path) / (".new-" + path.filename().string() + "-XXXXXX"));
        m_fd = Fd(::mkostemp(pattern.data(), O_CLOEXEC)); // 0600 before any content
        if (!m_fd)
            throw_errno(named("cannot write", path));
        m_temporary = pattern;
        if (::fchmod(m_fd.get(), mode) != 0)
            undo_and_throw("cannot set the mode of");
    }
    ~Replacement() {
        if (!m_temporary.empty())
            remove_temporary(m_temporary);
    }
    Replacement(const Replacement&) = delete;
    Replacement& operator=(const Replacement&) = delete;

    void give_to(const Owner& owner) {
        struct stat status {};
        const bool is_its = ::fstat(m_fd.get(), &status) == 0 && status.st_uid == owner.user &&
                            status.st_gid == owner.group;
        if (!is_its && ::fchown(m_fd.get(), owner.user, owner.group) != 0)
            undo_and_throw("cannot keep the owner of");
    }
    void fill(std::string_view content) { write_all(m_fd.get(), content, m_path); }
    void flush_content() { flush(m_fd.get(), m_path); }

    void take_the_place() {
        if (::rename(m_temporary.c_str(), m_path.c_str()) != 0)
            throw_errno(named("cannot replace", m_path));
        m_temporary.clear();
    }

    void take_an_empty_place() {
        if (::link(m_temporary.c_str(), m_path.c_str()) != 0)
            throw_errno(named("cannot create", m_path));
        flush_folder(folder_of(m_path));
    }

  private:
    [[noreturn]] void undo_and_throw(const char* verb) {
        const int error = errno;
        remove_temporary(m_temporary);
        m_temporary.clear();
        throw_errno(named(verb, m_path), error);
    }

    Path m_path;
    std::string m_temporary;
    Fd m_fd;
};

} // namespace

Fd open_file(const Path& path, int flags, mode_t mode) {
    Fd fd(::open(path.c_str(), flags | O_CLOEXEC, mode));
    if (!fd)
        throw_errno(named("cannot open", path));
    return fd;
}

namespace {

void read_by(std::size_t chunk, int fd, const Path& name,
             const std::function<void(std::string_view)>& take) {
    std::string buffer(chunk, '\0');
    for (;;) {
        const ssize_t count = ::read(fd, buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            throw_errno(named("cannot read", name));
        if (count == 0)
            return;
        take(std::string_view(buffer).substr(0, static_cast<std::size_t>(count)));
    }
}

std::string content_by(std::size_t chunk, int fd, const Path& name, std::uint64_t limit) {
    std::string content;
    read_by(chunk, fd, name, [&](std::string_view piece) {
        content += piece;
        if (content.size() > limit)
            throw Error(named("cannot read", name) + ": it is larger than " + size_text(limit));
    });
    return content;
}

constexpr std::size_t largest_chunk = 64 << 10;

} // namespace

std::string read_all(int fd, const Path& name, std::uint64_t limit) {
    return content_by(largest_chunk, fd, name, limit);
}

void read_pieces(int fd, const Path& name, const std::function<void(std::string_view)>& take) {
    constexpr std::size_t piece = 256 << 10;
    read_by(piece, fd, name, take);
}

std::string read_file(const Path& path, std::uint64_t limit) {
    const Fd fd = open_file(path, O_RDONLY | O_NONBLOCK | O_NOCTTY); // a FIFO must not block us
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0)
        throw_errno(named("cannot read", path));
    if (!S_ISREG(status.st_mode))
        throw Error(named("cannot read", path) + ": it is not a regular file");
    // Files of /proc say that they are empty.
    constexpr std::size_t smallest_chunk = 4096;
    const auto size = static_cast<std::size_t>(status.st_size);
    return content_by(std::clamp(size + 1, smallest_chunk, largest_chunk), fd.get(), path, limit);
}

std::optional<std::string> read_file_if_any(const Path& path, std::uint64_t limit) {
    if (::access(path.c_str(), F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR))
        return std::nullopt;
    return read_file(path, limit);
}

bool is_there(const Path& path) {
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0;
}

bool is_surely_there(const Path& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) == 0)
        return true;
    if (errno != ENOENT && errno != ENOTDIR)
        throw_errno(named("cannot look at", path));
    return false;
}

std::optional<std::string> link_target(const Path& path) {
    std::string target(4096, '\0'); // PATH_MAX: no symlink is longer
    const ssize_t length = ::readlink(path.c_str(), target.data(), target.size());
    if (length < 0 && (errno == ENOENT || errno == ENOTDIR || errno == EINVAL))
        return std::nullopt;
    if (length < 0)
        throw_errno(named("cannot read", path));
    target.resize(static_cast<std::size_t>(length));
    return target;
}

std::vector<std::string> names_in(const Path& folder) {
    std::vector<std::string> names;
    for_each_name_in(folder, [&names](std::string_view name) { names.emplace_back(name); });
    std::sort(names.begin(), names.end());
    return names;
}

std::vector<std::string> names_in_if_any(const Path& folder) {
    return is_surely_there(folder) ? names_in(folder) : std::vector<std::string>();
}

void write_all(int fd, std::string_view bytes, const Path& name) {
    while (!bytes.empty()) {
        const ssize_t count = ::write(fd, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            throw_errno(named("cannot write", name));
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
}

void flush(int fd, const Path& name) {
    if (::fsync(fd) != 0)
        throw_errno(named("cannot flush", name));
}

void flush_folder(const Path& folder) {
    const Fd fd = open_file(folder, O_RDONLY | O_DIRECTORY);
    flush(fd.get(), folder);
}

void replace_durably(const Path& path, std::string_view content, mode_t mode,
                     std::optional<Owner> owner) {
    Replacement replacement(path, mode);
    if (owner)
        replacement.give_to(*owner);
    replacement.fill(content);
    replacement.flush_content();
    replacement.take_the_place();
    flush_folder(folder_of(path));
}

void replace(const Path& path, std::string_view content, mode_t mode) {
    Replacement replacement(path, mode);
    replacement.fill(content);
    replacement.take_the_place();
}

void create_durably(const Path& path, std::string_view content, mode_t mode) {
    Replacement replacement(path, mode);
    replacement.fill(content);
    replacement.flush_content();
    replacement.take_an_empty_place();
}

void replace_link_durably(const Path& link, const std::string& target) {
    struct stat status {};
    if (::lstat(link.c_str(), &status) == 0 && !S_ISLNK(status.st_mode))
        throw Error(named("cannot replace", link) + ": it is not a symbolic link");
    std::string temporary;
    for (int attempt = 0;; ++attempt) {
        temporary = folder_of(link) / (".new-" + link.filename().string() + "-" +
                                       std::to_string(::getpid()) + "-" + std::to_string(attempt));
        if (::symlink(target.c_str(), temporary.c_str()) == 0)
            break;
        if (errno != EEXIST || attempt > 100)
            throw_errno(named("cannot make", temporary));
    }
    if (::rename(temporary.c_str(), link.c_str()) != 0) {
        const int error = errno;
        remove_temporary(temporary);
        throw_errno(named("cannot replace", link), error);
    }
    flush_folder(folder_of(link));
}

std::uint64_t append_durably(const Path& path, std::string_view record, mode_t mode) {
    const bool is_new = !is_there(path);
    const Fd fd = open_file(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, mode);
    write_all(fd.get(), record, path);
    const auto end = static_cast<std::uint64_t>(::lseek(fd.get(), 0, SEEK_CUR));
    flush(fd.get(), path);
    if (is_new)
        flush_folder(folder_of(path));
    return end - record.size();
}

void make_folders(const Path& folder, mode_t mode) {
    const Path parent = folder_of(folder);
    if (!is_there(parent))
        make_folders(parent, S_IRWXU | S_IRGRP | S_IXGRP | S_IROTH | S_IXOTH);
    if (::mkdir(folder.c_str(), mode) == 0) {
        if (::chmod(folder.c_str(), mode) != 0) // whatever the umask is
            throw_errno(named("cannot set the mode of", folder));
        return flush_folder(parent);
    }
    const int error = errno;
    struct stat status {};
    if (error != EEXIST)
        throw_errno(named("cannot make the folder", folder), error);
    if (::stat(folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode))
        throw Error(named("cannot make the folder", folder) + ": something else has that name");
}

void rename_durably(const Path& from, const Path& to) {
    if (::rename(from.c_str(), to.c_str()) != 0)
        throw_errno(named("cannot rename", from) + " to '" + printable(to.string()) + "'");
    flush_folder(folder_of(to));
    if (folder_of(from) != folder_of(to))
        flush_folder(folder_of(from));
}

bool remove_file(const Path& path) {
    if (::unlink(path.c_str()) == 0)
        return true;
    if (errno == ENOENT)
        return false;
    throw_errno(named("cannot remove", path));
}

bool remove_file_durably(const Path& path) {
    if (!remove_file(path))
        return false;
    flush_folder(folder_of(path));
    return true;
}

bool is_by_that_name(const Fd& fd, const Path& path) {
    struct stat opened {};
    struct stat named {};
    return ::fstat(fd.get(), &opened) == 0 && ::lstat(path.c_str(), &named) == 0 &&
           opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

bool set_mode(const Fd& fd, mode_t mode) {
    return ::chmod(("/proc/self/fd/" + std::to_string(fd.get())).c_str(), mode) == 0;
}

DiskSpace disk_space(const Path& path) {
    struct statvfs status {};
    if (::statvfs(path.c_str(), &status) != 0)
        throw_errno(named("cannot ask for the free space of", path));
    const auto free_blocks = ::geteuid() == 0 ? status.f_bfree : status.f_bavail;
    return {free_blocks * status.f_frsize, status.f_blocks * status.f_frsize, status.f_favail,
            status.f_files};
}

} // namespace shipit::sys

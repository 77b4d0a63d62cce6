// remove_tree: by directory descriptors, since what is removed may belong to a running app that
// swaps folders for symlinks meanwhile. A path is never resolved twice.
#include "core/base/error.hpp"
#include "core/sys/file.hpp"

#include <cerrno>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace shipit::sys {

namespace {

// Removes everything and remembers the first failure; deep trees cost descriptors, not stack: each
// level holds one directory open.
class Removal {
  public:
    void remove_entry(int parent, const char* name, const Path& shown) {
        if (::unlinkat(parent, name, 0) == 0 || errno == ENOENT)
            return;
        if (errno != EISDIR && errno != EPERM) { // EPERM: POSIX's way to say directory
            const int unlink_error = errno;
            if (unlink_error != EACCES || !is_folder(parent, name))
                return remember(shown, unlink_error);
        }
        remove_folder(parent, name, shown);
    }

    void finish() const {
        if (m_error == 0)
            return;
        note_leftover();
        throw_errno("cannot remove '" + m_failed.string() + "'", m_error);
    }

  private:
    static bool is_folder(int parent, const char* name) {
        struct stat status {};
        return ::fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
               S_ISDIR(status.st_mode);
    }

    void remove_folder(int parent, const char* name, const Path& shown) {
        constexpr int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
        Fd folder(::openat(parent, name, flags));
        if (!folder && errno == EACCES && ::fchmodat(parent, name, S_IRWXU, 0) == 0)
            folder = Fd(::openat(parent, name, flags));
        if (!folder)
            return remember(shown, errno);
        struct stat status {};
        if (::fstat(folder.get(), &status) == 0 && (status.st_mode & S_IRWXU) != S_IRWXU)
            (void)::fchmod(folder.get(), S_IRWXU); // without it the removals below say why
        empty_folder(std::move(folder), shown);
        if (::unlinkat(parent, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
            remember(shown, errno);
    }

    void empty_folder(Fd folder, const Path& shown) {
        const int fd = folder.get();
        const std::unique_ptr<DIR, int (*)(DIR*)> names(::fdopendir(fd), ::closedir);
        if (!names)
            return remember(shown, errno);
        (void)folder.release(); // closedir(3) closes it
        while (const dirent* entry = next_of(names.get())) {
            const std::string name = entry->d_name;
            if (name != "." && name != "..")
                remove_entry(fd, name.c_str(), shown / name);
        }
        if (errno != 0)
            remember(shown, errno);
    }

    // Null at the end, and where errno says what is wrong.
    static const dirent* next_of(DIR* names) {
        errno = 0;
        return ::readdir(names);
    }

    void remember(const Path& path, int error) {
        if (m_error != 0)
            return;
        m_error = error;
        m_failed = path;
    }

    int m_error = 0;
    Path m_failed;
};

} // namespace

void remove_tree(const Path& path) {
    Removal removal;
    removal.remove_entry(AT_FDCWD, path.c_str(), path);
    removal.finish();
}

} // namespace shipit::sys

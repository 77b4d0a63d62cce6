// remove_tree: by directory descriptors, since what is removed may belong to a running app that
// swaps folders for symlinks meanwhile. A path is never resolved twice.
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/sys/file.hpp"

#include <cerrno>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace shipit::sys {

namespace {

// Removes everything and remembers the first failure. However deep a tree is, it takes neither
// stack nor descriptors: of all folders on the way, only the last is open. The way back up is "..",
// if that is the folder we came from: somebody may move folders meanwhile. Or remove them, where
// two remove one tree: what is gone is well then, and where no way leads up it begins again at the
// top.
class Removal {
  public:
    void run(const Path& path) {
        do {
            m_is_lost = false;
            go_through(path);
        } while (m_is_lost);
    }

    void finish() const {
        if (m_error == 0)
            return;
        note_leftover();
        if (m_error == mounted)
            throw Error("cannot remove '" + printable(m_failed.string()) +
                        "': something is mounted there, which is to be unmounted first")
                .advise("umount " + shell_quoted(m_failed.string()));
        throw_errno("cannot remove '" + printable(m_failed.string()) + "'", m_error);
    }

  private:
    static constexpr int mounted = EXDEV; // which no removal says of itself

    struct Level {
        Path name; // in the one before; the first is the whole path
        dev_t device = 0;
        ino_t inode = 0;
        std::vector<Path> folders = {}; // in it, which are left
    };

    void go_through(const Path& path) {
        if (is_removed(AT_FDCWD, path))
            return;
        enter(AT_FDCWD, path);
        while (!m_levels.empty()) {
            auto& folders = m_levels.back().folders;
            if (folders.empty()) {
                leave();
                continue;
            }
            const auto next = std::move(folders.back());
            folders.pop_back();
            enter(m_folder.get(), next);
        }
    }

    // Whether nothing is left to do with what has this name: it is no folder.
    bool is_removed(int parent, const Path& name) {
        if (::unlinkat(parent, name.c_str(), 0) == 0 || errno == ENOENT)
            return true;
        const int error = errno;
        if (error == EISDIR || is_folder(parent, name)) // POSIX says EPERM instead
            return false;
        remember(name, error == EBUSY ? mounted : error); // a file can be, too
        return true;
    }

    static bool is_folder(int parent, const Path& name) {
        struct stat status {};
        return ::fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
               S_ISDIR(status.st_mode);
    }

    // What is mounted belongs to somebody else, also what is bound there from the same device. A
    // subvolume is none of it.
    [[nodiscard]] bool is_mounted(const Fd& folder, dev_t device) const {
        struct statx more {};
        if (::statx(folder.get(), "", AT_EMPTY_PATH, 0, &more) == 0 &&
            (more.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) != 0)
            return (more.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
        return !m_levels.empty() && device != m_levels.back().device; // before Linux 5.8
    }

    static Fd open_folder(int parent, const Path& name) {
        return Fd(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    }

    void enter(int parent, const Path& name) {
        Fd folder = open_folder(parent, name);
        if (!folder && errno == EACCES && ::fchmodat(parent, name.c_str(), S_IRWXU, 0) == 0)
            folder = open_folder(parent, name);
        if (!folder && errno == ENOENT)
            return;
        struct stat status {};
        if (!folder || ::fstat(folder.get(), &status) != 0)
            return remember(name, errno);
        if (is_mounted(folder, status.st_dev))
            return remember(name, mounted);
        if ((status.st_mode & S_IRWXU) != S_IRWXU)
            (void)::fchmod(folder.get(), S_IRWXU); // without it the removals below say why
        m_folder = std::move(folder);
        m_levels.push_back({name, status.st_dev, status.st_ino});
        remove_files();
    }

    // Leaves the names of folders in the level.
    void remove_files() {
        Fd listed(::fcntl(m_folder.get(), F_DUPFD_CLOEXEC, 0));
        const std::unique_ptr<DIR, int (*)(DIR*)> names(
            listed ? ::fdopendir(listed.get()) : nullptr, ::closedir);
        if (!names)
            return remember({}, errno);
        (void)listed.release(); // closedir(3) closes it
        while (const dirent* entry = next_of(names.get())) {
            const std::string_view name = entry->d_name;
            if (name != "." && name != ".." && !is_removed(m_folder.get(), name))
                m_levels.back().folders.emplace_back(name);
        }
        if (errno != 0 && errno != ENOENT)
            remember({}, errno);
    }

    // Null at the end, and where errno says what is wrong.
    static const dirent* next_of(DIR* names) {
        errno = 0;
        return ::readdir(names);
    }

    // The folder is empty, or what is in it cannot be removed.
    void leave() {
        const auto name = std::move(m_levels.back().name);
        m_levels.pop_back();
        if (const int error = m_levels.empty() ? 0 : error_of_return_to(m_levels.back())) {
            if (error == ENOENT)
                m_is_lost = true;
            else
                remember(name, error);
            return m_levels.clear();
        }
        const int parent = m_levels.empty() ? AT_FDCWD : m_folder.get();
        if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT)
            remember(name, errno);
    }

    int error_of_return_to(const Level& level) {
        m_folder = open_folder(m_folder.get(), "..");
        struct stat status {};
        if (!m_folder || ::fstat(m_folder.get(), &status) != 0)
            return errno;
        const bool is_it = status.st_dev == level.device && status.st_ino == level.inode;
        return is_it ? 0 : EBUSY;
    }

    // Of what has this name in the folder, or the folder itself.
    void remember(const Path& name, int error) {
        if (m_error != 0)
            return;
        m_error = error;
        for (const auto& level : m_levels)
            m_failed /= level.name;
        if (!name.empty())
            m_failed /= name;
    }

    Fd m_folder;
    std::vector<Level> m_levels;
    bool m_is_lost = false;
    int m_error = 0;
    Path m_failed;
};

} // namespace

void remove_tree(const Path& path) {
    Removal removal;
    removal.run(path);
    removal.finish();
}

} // namespace shipit::sys

#include "core/slug/walk.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/slug/tar_header.hpp"
#include "core/sys/fd.hpp"

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

namespace shipit::slug {

namespace {

constexpr std::size_t deepest = 256;

using Names = std::unique_ptr<DIR, int (*)(DIR*)>;

std::string kind_of(mode_t mode) {
    if (S_ISFIFO(mode))
        return "a FIFO";
    if (S_ISSOCK(mode))
        return "a socket";
    return S_ISCHR(mode) || S_ISBLK(mode) ? "a device" : "of an unknown kind";
}

class Walk {
  public:
    Walk(Path shown, const WalkOptions& options) : m_shown(std::move(shown)), m_options(options) {}

    void enter(sys::Fd fd, const std::string& folder, std::size_t depth) {
        if (depth > deepest)
            throw Error(fmt::format("'{}' is more than {} folders deep", shown(folder), deepest));
        refuse_forbidden(fd.get(), folder);
        const int folder_fd = fd.get();
        const Names names(::fdopendir(folder_fd), ::closedir);
        if (!names)
            throw_errno(fmt::format("cannot read '{}'", shown(folder)));
        (void)fd.release(); // closedir(3) closes it
        for (const auto& name : sorted(names.get(), folder))
            take(folder_fd, name, folder, depth);
    }

    Walked finish() { return std::move(m_walked); }

  private:
    [[nodiscard]] std::string shown(const std::string& path) const {
        return printable((path.empty() ? m_shown : m_shown / path).string());
    }

    void refuse_forbidden(int fd, const std::string& folder) const {
        struct stat status {};
        if (::fstat(fd, &status) != 0)
            throw_errno(fmt::format("cannot read '{}'", shown(folder)));
        const auto& forbidden = m_options.forbidden;
        if (forbidden.inode != 0 && status.st_ino == forbidden.inode &&
            status.st_dev == forbidden.device)
            throw Error(fmt::format("the build contains shipit's own folder '{}'", shown(folder)))
                .advise("name it in .slugignore, or deploy another folder");
    }

    [[nodiscard]] std::vector<std::string> sorted(DIR* names, const std::string& folder) const {
        std::vector<std::string> found;
        errno = 0;
        while (const dirent* entry = ::readdir(names)) {
            const std::string_view name = entry->d_name;
            if (name != "." && name != "..")
                found.emplace_back(name);
            errno = 0;
        }
        if (errno != 0)
            throw_errno(fmt::format("cannot read '{}'", shown(folder)));
        std::sort(found.begin(), found.end());
        return found;
    }

    void take(int folder_fd, const std::string& name, const std::string& folder,
              std::size_t depth) {
        std::string path = folder.empty() ? name : folder + '/' + name;
        struct stat status {};
        if (::fstatat(folder_fd, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
            throw_errno(fmt::format("cannot read '{}'", shown(path)));
        if (is_left_out(path, S_ISDIR(status.st_mode)))
            return;
        if (path_fault(path) != nullptr)
            throw Error(fmt::format("cannot pack '{}': {}", shown(path), path_fault(path)));
        if (S_ISDIR(status.st_mode))
            return take_folder(folder_fd, name, path, status, depth);
        Entry entry;
        entry.path = std::move(path);
        if (S_ISREG(status.st_mode))
            entry.size = static_cast<std::uint64_t>(status.st_size);
        else if (S_ISLNK(status.st_mode)) {
            entry.type = Type::symlink;
            entry.target = read_link(folder_fd, name, entry.path);
        } else
            return take_other(entry.path, status.st_mode);
        add(std::move(entry), status);
    }

    bool is_left_out(const std::string& path, bool is_folder) {
        const bool out =
            m_options.leave_out.count(path) != 0 || m_options.rules.leaves_out(path, is_folder);
        m_walked.left_out += out ? 1 : 0;
        return out;
    }

    void take_folder(int parent, const std::string& name, const std::string& path,
                     const struct stat& status, std::size_t depth) {
        sys::Fd fd(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!fd)
            throw_errno(fmt::format("cannot read '{}'", shown(path)));
        Entry entry;
        entry.type = Type::folder;
        entry.path = path;
        add(std::move(entry), status);
        enter(std::move(fd), path, depth + 1);
    }

    void take_other(const std::string& path, mode_t mode) const {
        if (m_options.other)
            return m_options.other(path);
        throw Error(
            fmt::format(
                "cannot pack '{}': it is {}, and a slug holds files, folders and links only",
                shown(path), kind_of(mode)))
            .advise("name it in .slugignore to leave it out");
    }

    [[nodiscard]] std::string read_link(int folder_fd, const std::string& name,
                                        const std::string& path) const {
        std::string target(4096, '\0');
        const auto size = ::readlinkat(folder_fd, name.c_str(), target.data(), target.size());
        if (size < 0)
            throw_errno(fmt::format("cannot read '{}'", shown(path)));
        target.resize(static_cast<std::size_t>(size));
        return target;
    }

    void add(Entry entry, const struct stat& status) {
        entry.mode = entry.type == Type::symlink ? 0 : status.st_mode & 0777U;
        entry.mtime = clamped_mtime(status.st_mtim.tv_sec);
        if (entry.type == Type::file && status.st_nlink > 1)
            note_link(entry, status);
        if (entry.type == Type::file && entry.size == 0)
            entry.hash = hash_of({});
        m_walked.list.entries.push_back(std::move(entry));
        m_walked.identities.push_back(identity_of(status));
    }

    // The first name of a file is the file, later ones are links to it.
    void note_link(Entry& entry, const struct stat& status) {
        const auto [known, is_first] =
            m_linked.try_emplace({status.st_dev, status.st_ino}, entry.path);
        if (is_first)
            return;
        entry.type = Type::hard_link;
        entry.size = 0;
        entry.target = known->second;
    }

    Path m_shown;
    const WalkOptions& m_options;
    Walked m_walked;
    std::map<std::pair<dev_t, ino_t>, std::string> m_linked;
};

std::int64_t nanoseconds(const timespec& time) {
    return static_cast<std::int64_t>(time.tv_sec) * 1000000000 + time.tv_nsec;
}

} // namespace

Identity identity_of(const struct stat& status) {
    return {status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size),
            nanoseconds(status.st_mtim), nanoseconds(status.st_ctim)};
}

Walked walk(int root, const Path& shown, const WalkOptions& options) {
    // A descriptor of its own: reading names moves the offset that duplicates share.
    sys::Fd fd(::openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd)
        throw_errno(fmt::format("cannot read '{}'", printable(shown.string())));
    Walk walk(shown, options);
    walk.enter(std::move(fd), {}, 0);
    return walk.finish();
}

} // namespace shipit::slug

#include "core/slug/walk.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/slug/crew.hpp"
#include "core/slug/folder_chain.hpp"
#include "core/slug/tar_header.hpp"
#include "core/sys/fd.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

namespace shipit::slug {

namespace {

constexpr std::size_t deepest = 256;
constexpr std::size_t sure_to_be_short = 255; // bytes, for names as well as paths

std::string kind_of(mode_t mode) {
    if (S_ISFIFO(mode))
        return "a FIFO";
    if (S_ISSOCK(mode))
        return "a socket";
    return S_ISCHR(mode) || S_ISBLK(mode) ? "a device" : "of an unknown kind";
}

// By errno. What was listed and is not there any more was taken away meanwhile.
[[noreturn]] void refuse_unreadable(const std::string& shown) {
    const int why = errno;
    throw Error(fmt::format("cannot read '{}': {}", shown, errno_text(why)))
        .advise(why == ENOENT ? "again when nothing writes there"
                              : "let it be read, or leave it out");
}

// A folder that was found, and what is in it once somebody has listed it.
struct Folder {
    struct Found {
        Entry entry;
        Identity identity;
        mode_t other = 0;         // what it is, if it is no file, folder or link
        bool has_names = false;   // several: hard links
        Folder* inside = nullptr; // of a folder
    };
    std::string path;
    std::size_t depth = 0;
    std::vector<Found> found = {};
    std::uint64_t left_out = 0;
};

// Lists folders on all cores, whichever is found next, and puts the lists together in order.
class Walk {
  public:
    Walk(int root, Path shown, const WalkOptions& options)
        : m_root(root), m_shown(std::move(shown)), m_options(options), m_crew(options.threads) {}

    Walked run() {
        begin_at_root();
        m_waiting.push_back(&m_folders.emplace_back());
        m_unlisted = 1;
        // One job per worker, each of which goes on until every folder is listed. None waits for a
        // job that has not begun: a folder that is not waiting is held by one that runs.
        m_crew.run(m_crew.workers(), [this](unsigned, std::size_t) {
            FolderChain chain(m_root, m_shown);
            while (Folder* folder = next())
                list(chain, *folder);
        });
        m_walked.list.entries.reserve(m_entries);
        m_walked.identities.reserve(m_entries);
        collect(m_folders.front());
        m_walked.is_cut_short = is_late();
        return std::move(m_walked);
    }

  private:
    [[nodiscard]] std::string shown(const std::string& path) const {
        return printable((path.empty() ? m_shown : m_shown / path).string());
    }

    void begin_at_root() const {
        struct stat status {};
        if (::fstat(m_root, &status) != 0 || ::lseek(m_root, 0, SEEK_SET) != 0)
            refuse_unreadable(shown({}));
        refuse_forbidden(status, {});
    }

    // The folder that was found last is taken first: its parents are open still. Null: all done.
    Folder* next() {
        Folder* folder = nullptr;
        m_crew.wait_until([&] {
            if (m_waiting.empty())
                return m_unlisted == 0;
            folder = m_waiting.back();
            m_waiting.pop_back();
            return true;
        });
        return folder;
    }

    // By errno, of what could not be read; returns if it is to be left out.
    void leave_out_or_refuse(const std::string& path) const {
        const bool is_usual = errno == ENOENT || errno == ENOTDIR || errno == ELOOP ||
                              errno == EINVAL || errno == EACCES || errno == EPERM;
        if (m_options.expected == nullptr || !is_usual)
            refuse_unreadable(shown(path));
    }

    void list(FolderChain& chain, Folder& folder) {
        find_all(chain, folder);
        m_crew.change([&] {
            for (auto found = folder.found.rbegin(); found != folder.found.rend(); ++found)
                if (found->entry.type == Type::folder)
                    m_waiting.push_back(found->inside = add_folder(*found, folder.depth + 1));
            m_unlisted--;
            m_entries += folder.found.size();
        });
    }

    [[nodiscard]] bool is_late() const {
        return m_options.until != nullptr && m_options.until->passed();
    }

    [[nodiscard]] bool is_entered(const std::string& folder) const {
        return m_options.expected == nullptr || folder.empty() ||
               m_options.expected->find(folder) != nullptr ||
               (m_options.enters && m_options.enters(folder));
    }

    void find_all(FolderChain& chain, Folder& folder) const {
        if (is_late() || !is_entered(folder.path))
            return;
        if (folder.depth > deepest)
            throw Error(
                fmt::format("'{}' is more than {} folders deep", shown(folder.path), deepest));
        const int fd = chain.folder(folder.path);
        if (fd < 0)
            return leave_out_or_refuse(folder.path);
        const auto names = names_in(fd, folder.path);
        folder.found.reserve(names.size());
        for (const auto& name : names) {
            if (is_late())
                return;
            take(fd, name, folder);
        }
    }

    Folder* add_folder(const Folder::Found& found, std::size_t depth) {
        m_unlisted++;
        m_folders.push_back({found.entry.path, depth});
        return &m_folders.back();
    }

    void refuse_forbidden(const struct stat& status, const std::string& folder) const {
        const auto& forbidden = m_options.forbidden;
        if (forbidden.inode != 0 && status.st_ino == forbidden.inode &&
            status.st_dev == forbidden.device)
            throw Error(fmt::format("the build contains shipit's own folder '{}'", shown(folder)))
                .advise("name it in .slugignore, or deploy another folder");
    }

    // In byte order. Reads by getdents64(2), which needs no further descriptor as readdir(3) does.
    [[nodiscard]] std::vector<std::string> names_in(int folder_fd,
                                                    const std::string& folder) const {
        std::vector<std::string> found;
        alignas(dirent64) std::array<char, std::size_t{32} << 10> buffer;
        for (;;) {
            const auto size = ::getdents64(folder_fd, buffer.data(), buffer.size());
            if (size < 0)
                leave_out_or_refuse(folder);
            if (size <= 0)
                break;
            for (ssize_t at = 0; at < size;) {
                const auto* entry = reinterpret_cast<const dirent64*>(buffer.data() + at);
                const std::string_view name = entry->d_name;
                if (name != "." && name != "..")
                    found.emplace_back(name);
                at += entry->d_reclen;
            }
        }
        std::sort(found.begin(), found.end());
        return found;
    }

    void take(int folder_fd, const std::string& name, Folder& folder) const {
        std::string path;
        path.reserve(folder.path.size() + name.size() + 1);
        path += folder.path;
        if (!path.empty())
            path += '/';
        path += name;
        struct stat status {};
        if (::fstatat(folder_fd, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
            return leave_out_or_refuse(path);
        if (m_options.leave_out.count(path) != 0 ||
            (m_options.rules.leaves_out(path, S_ISDIR(status.st_mode)) &&
             m_options.beyond_rules.count(path) == 0)) {
            folder.left_out++;
            return;
        }
        if (path.size() > sure_to_be_short && path_fault(path) != nullptr) {
            if (m_options.expected != nullptr)
                return;
            throw Error(fmt::format("cannot pack '{}': {}", shown(path), path_fault(path)))
                .advise("give it a shorter path, or name it in .slugignore to leave it out");
        }
        if (S_ISDIR(status.st_mode))
            refuse_forbidden(status, path);
        Folder::Found found;
        auto& entry = found.entry;
        if (S_ISLNK(status.st_mode)) {
            auto target = read_link(folder_fd, name);
            if (!target)
                return leave_out_or_refuse(path);
            entry.target = std::move(*target);
        }
        entry.path = std::move(path);
        entry.mtime = clamped_mtime(status.st_mtim.tv_sec);
        found.identity = identity_of(status);
        set_type(found, status);
        folder.found.push_back(std::move(found));
    }

    static void set_type(Folder::Found& found, const struct stat& status) {
        auto& entry = found.entry;
        if (S_ISLNK(status.st_mode)) {
            entry.type = Type::symlink;
            return;
        }
        entry.mode = status.st_mode & 0777U;
        if (S_ISDIR(status.st_mode)) {
            entry.type = Type::folder;
        } else if (S_ISREG(status.st_mode)) {
            entry.size = static_cast<std::uint64_t>(status.st_size);
            found.has_names = status.st_nlink > 1;
            if (entry.size == 0)
                entry.hash = hash_of({});
        } else {
            found.other = status.st_mode;
        }
    }

    // Nothing with errno set if it cannot be read.
    static std::optional<std::string> read_link(int folder_fd, const std::string& name) {
        std::string target(4096, '\0');
        const auto size = ::readlinkat(folder_fd, name.c_str(), target.data(), target.size());
        if (size < 0)
            return std::nullopt;
        target.resize(static_cast<std::size_t>(size));
        return target;
    }

    void collect(Folder& folder) {
        m_walked.left_out += folder.left_out;
        for (auto& found : std::exchange(folder.found, {})) {
            if (found.other != 0) {
                tell_other(found.entry.path, found.other);
                continue;
            }
            if (found.has_names)
                note_link(found.entry, found.identity);
            m_walked.list.entries.push_back(std::move(found.entry));
            m_walked.identities.push_back(found.identity);
            if (found.inside != nullptr)
                collect(*found.inside);
        }
    }

    void tell_other(const std::string& path, mode_t mode) const {
        if (m_options.other)
            return m_options.other(path);
        throw Error(
            fmt::format(
                "cannot pack '{}': it is {}, and a slug holds files, folders and links only",
                shown(path), kind_of(mode)))
            .advise("name it in .slugignore to leave it out");
    }

    // The first name of a file is the file, later ones are links to it.
    void note_link(Entry& entry, const Identity& identity) {
        const auto [known, is_first] =
            m_linked.try_emplace({identity.device, identity.inode}, entry.path);
        if (is_first)
            return;
        entry.type = Type::hard_link;
        entry.size = 0;
        entry.hash = {};
        entry.target = known->second;
    }

    int m_root;
    Path m_shown;
    const WalkOptions& m_options;
    Crew m_crew;
    Walked m_walked;
    std::map<std::pair<std::uint64_t, std::uint64_t>, std::string> m_linked;
    // Under the crew's lock while it works:
    std::deque<Folder> m_folders;
    std::vector<Folder*> m_waiting;
    std::size_t m_unlisted = 0;
    std::size_t m_entries = 0;
};

// Only ever compared; what a file system keeps beyond the year 2262 begins again.
std::int64_t nanoseconds(const timespec& time) {
    constexpr std::uint64_t second = 1'000'000'000;
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(time.tv_sec) * second +
                                     static_cast<std::uint64_t>(time.tv_nsec));
}

} // namespace

Identity identity_of(const struct stat& status) {
    return {status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size),
            nanoseconds(status.st_mtim), nanoseconds(status.st_ctim)};
}

Walked walk(int root, const Path& shown, const WalkOptions& options) {
    return Walk(root, shown, options).run();
}

} // namespace shipit::slug

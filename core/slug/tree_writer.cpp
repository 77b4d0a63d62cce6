#include "core/slug/tree_writer.hpp"

#include "core/base/error.hpp"
#include "core/slug/slug_check.hpp"
#include "core/slug/unpack.hpp"

#include <array>
#include <atomic>
#include <cerrno>

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace shipit::slug {

namespace {

std::array<timespec, 2> times_of(const Entry& entry) {
    const timespec mtime{static_cast<time_t>(entry.mtime), 0};
    return {mtime, mtime};
}

constexpr auto no_owner = static_cast<uid_t>(-1);

} // namespace

TreeWriter::TreeWriter(const SlugFile& slug, const Path& folder, std::optional<gid_t> group,
                       Crew& crew)
    : m_slug(slug), m_folder(folder), m_group(group), m_crew(crew),
      m_root(sys::open_file(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)), m_umask(::umask(0)),
      m_modes_are_kept(modes_are_kept()), m_hashes(slug.list(), crew),
      m_is_done(slug.list().entries.size()) {
    for (unsigned i = 0; i < crew.workers(); i++)
        m_chains.push_back(std::make_unique<FolderChain>(m_root.get(), m_folder, Missing::is_made));
}

TreeWriter::~TreeWriter() {
    (void)::umask(m_umask);
}

// Not where the folder has a default ACL (acl(5)): a new file's mode is its business then.
bool TreeWriter::modes_are_kept() const {
    constexpr const char* probe = "probe";
    constexpr mode_t mode = 0777;
    struct stat status {};
    if (::mkdirat(m_root.get(), probe, mode) != 0 ||
        ::fstatat(m_root.get(), probe, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
        ::unlinkat(m_root.get(), probe, AT_REMOVEDIR) != 0)
        throw_errno(fmt::format("cannot write to '{}'", m_folder.string()));
    return (status.st_mode & mode) == mode;
}

void TreeWriter::clone_from(const Path& tree, const FileList& list) {
    // Below this, sharing blocks takes longer than writing, and saves next to nothing.
    constexpr std::uint64_t least = std::uint64_t{64} << 10;
    const auto root = sys::open_file(tree, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    std::vector<std::size_t> alike;
    merge(list, m_slug.list(), [&](const Entry* there, const Entry* here) {
        if (there != nullptr && here != nullptr && here->type == Type::file &&
            there->type == Type::file && there->hash == here->hash && here->size >= least)
            alike.push_back(static_cast<std::size_t>(here - m_slug.list().entries.data()));
    });
    std::atomic<bool> works = true;
    std::vector<std::unique_ptr<FolderChain>> sources(m_crew.workers());
    m_crew.run(alike.size(), [&](unsigned worker, std::size_t job) {
        if (!sources[worker])
            sources[worker] = std::make_unique<FolderChain>(root.get(), tree);
        const auto& entry = m_slug.list().entries[alike[job]];
        const int parent = works ? sources[worker]->parent_of(entry.path) : -1;
        const sys::Fd source(parent < 0 ? -1
                                        : ::openat(parent, FolderChain::name_of(entry.path).c_str(),
                                                   O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
        if (source && clone(worker, source, entry))
            m_is_done[alike[job]] = 1;
        else if (source && (errno == EOPNOTSUPP || errno == EXDEV || errno == ENOTTY))
            works = false;
    });
}

// Whoever runs the other tree may have changed it: what was cloned must have the right hash.
bool TreeWriter::clone(unsigned worker, const sys::Fd& source, const Entry& entry) {
    const auto fd = create(*m_chains[worker], entry);
    bool is_right = ::ioctl(fd.get(), FICLONE, source.get()) == 0;
    const int why_not = errno;
    if (is_right) {
        Hasher hasher;
        std::string bytes(std::size_t{1} << 18, '\0');
        std::uint64_t at = 0;
        for (ssize_t n = 1; n > 0; at += n > 0 ? static_cast<std::uint64_t>(n) : 0) {
            n = ::pread(fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(at));
            if (n > 0)
                hasher.add(std::string_view(bytes).substr(0, static_cast<std::size_t>(n)));
        }
        is_right = at == entry.size && hasher.result() == entry.hash;
    }
    if (is_right) {
        dress(fd.get(), entry);
        return true;
    }
    const int parent = m_chains[worker]->parent_of(entry.path);
    if (::unlinkat(parent, FolderChain::name_of(entry.path).c_str(), 0) != 0)
        throw_errno(fmt::format("cannot remove '{}'", m_chains[worker]->shown(entry.path)));
    errno = why_not;
    return false;
}

void TreeWriter::write_only(std::vector<char> wanted) {
    for (std::size_t i = 0; i < m_is_done.size(); i++)
        m_is_done[i] = wanted[i] != 0 ? 0 : 1;
}

bool TreeWriter::needs(Span span) const {
    const auto& extents = m_slug.extents();
    for (auto i = entry_at(extents, span.begin); i < extents.size() && extents[i].header < span.end;
         i++)
        if (m_is_done[i] == 0)
            return true;
    return false;
}

void TreeWriter::write(unsigned worker, const Part& part, std::string_view bytes) {
    if (part.kind == Part::Kind::padding || m_is_done[part.entry] != 0)
        return;
    auto& chain = *m_chains[worker];
    const auto& entry = m_slug.list().entries[part.entry];
    if (part.kind == Part::Kind::data) {
        if (part.size == entry.size)
            return make_file(chain, entry, bytes);
        return write_piece(chain, part, bytes);
    }
    if (part.offset != 0)
        return;
    if (entry.type == Type::symlink)
        make_symlink(chain, entry);
    else if (entry.type == Type::file && entry.size == 0)
        make_file(chain, entry, {});
    else if (entry.type == Type::folder && chain.folder(entry.path) < 0)
        throw_errno(fmt::format("cannot create '{}'", chain.shown(entry.path)));
}

void TreeWriter::make_symlink(FolderChain& chain, const Entry& entry) const {
    const int parent = chain.parent_of(entry.path);
    const auto name = FolderChain::name_of(entry.path);
    const bool failed =
        parent < 0 || ::symlinkat(entry.target.c_str(), parent, name.c_str()) != 0 ||
        ::utimensat(parent, name.c_str(), times_of(entry).data(), AT_SYMLINK_NOFOLLOW) != 0 ||
        (m_group && ::fchownat(parent, name.c_str(), no_owner, *m_group, AT_SYMLINK_NOFOLLOW) != 0);
    if (failed)
        throw_errno(fmt::format("cannot create '{}'", chain.shown(entry.path)));
}

sys::Fd TreeWriter::create(FolderChain& chain, const Entry& entry) const {
    const int parent = chain.parent_of(entry.path);
    const auto name = FolderChain::name_of(entry.path);
    sys::Fd fd(parent < 0 ? -1
                          : ::openat(parent, name.c_str(),
                                     O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                                     mode_in_tree(entry, m_group)));
    if (!fd)
        throw_errno(fmt::format("cannot create '{}'", chain.shown(entry.path)));
    return fd;
}

void TreeWriter::write_at(int fd, const Entry& entry, std::uint64_t offset,
                          std::string_view bytes) const {
    while (!bytes.empty()) {
        const auto n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            throw_errno(fmt::format("cannot write '{}'", m_chains.front()->shown(entry.path)));
        offset += static_cast<std::uint64_t>(n);
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
}

// A file that was created with its mode, in a folder that only we can enter as yet.
void TreeWriter::dress(int fd, const Entry& entry) const {
    const bool failed = (m_group && ::fchown(fd, no_owner, *m_group) != 0) ||
                        (!m_modes_are_kept && ::fchmod(fd, mode_in_tree(entry, m_group)) != 0) ||
                        ::futimens(fd, times_of(entry).data()) != 0;
    if (failed)
        throw_errno(
            fmt::format("cannot set the mode of '{}'", m_chains.front()->shown(entry.path)));
}

void TreeWriter::make_file(FolderChain& chain, const Entry& entry, std::string_view content) const {
    const auto found = hash_of(content);
    if (found != entry.hash)
        refuse_content(m_slug, entry, found);
    const auto fd = create(chain, entry);
    write_at(fd.get(), entry, 0, content);
    dress(fd.get(), entry);
}

void TreeWriter::write_piece(FolderChain& chain, const Part& part, std::string_view bytes) {
    const auto& entry = m_slug.list().entries[part.entry];
    if (part.offset == 0) {
        Running running{create(chain, entry), entry.size};
        // Room for all of it at once keeps a file whose pieces come from several threads in one
        // place. Not every file system can; running out of space shows in the writing.
        (void)::fallocate(running.fd.get(), 0, 0, static_cast<off_t>(entry.size));
        m_crew.change([&] { m_running.emplace(part.entry, std::move(running)); });
    }
    Running* running = nullptr;
    m_crew.wait_until([&] {
        const auto found = m_running.find(part.entry);
        running = found == m_running.end() ? nullptr : &found->second;
        return running != nullptr;
    });
    if (const auto hash = m_hashes.add(part.entry, part.offset, bytes); hash && *hash != entry.hash)
        refuse_content(m_slug, entry, *hash);
    write_at(running->fd.get(), entry, part.offset, bytes);
    bool is_whole = false;
    m_crew.change([&] { is_whole = (running->missing -= bytes.size()) == 0; });
    if (!is_whole)
        return;
    dress(running->fd.get(), entry);
    m_crew.change([&] { m_running.erase(part.entry); });
}

void TreeWriter::make_hard_link(FolderChain& chain, const Entry& entry) {
    FolderChain target_chain(m_root.get(), m_folder);
    const int from = target_chain.parent_of(entry.target);
    const int to = chain.parent_of(entry.path);
    if (from < 0 || to < 0 ||
        ::linkat(from, FolderChain::name_of(entry.target).c_str(), to,
                 FolderChain::name_of(entry.path).c_str(), 0) != 0)
        throw_errno(fmt::format("cannot link '{}'", chain.shown(entry.path)));
}

// The group first: changing it may take mode bits away.
void TreeWriter::dress_folder(FolderChain& chain, const Entry& entry, unsigned more_mode) const {
    const int parent = chain.parent_of(entry.path);
    const auto name = FolderChain::name_of(entry.path);
    const bool failed =
        parent < 0 ||
        (m_group &&
         ::fchownat(parent, name.c_str(), no_owner, *m_group, AT_SYMLINK_NOFOLLOW) != 0) ||
        ::fchmodat(parent, name.c_str(), mode_in_tree(entry, m_group) | more_mode, 0) != 0 ||
        ::utimensat(parent, name.c_str(), times_of(entry).data(), AT_SYMLINK_NOFOLLOW) != 0;
    if (failed)
        throw_errno(fmt::format("cannot set the mode of '{}'", chain.shown(entry.path)));
}

void TreeWriter::finish() {
    const auto& entries = m_slug.list().entries;
    std::vector<const Entry*> folders;
    std::vector<const Entry*> closed; // that we may not change any more once they have their mode
    for (const auto& entry : entries) {
        if (entry.type == Type::hard_link)
            make_hard_link(*m_chains.front(), entry);
        if (entry.type != Type::folder)
            continue;
        folders.push_back(&entry);
        if ((entry.mode & S_IRWXU) != S_IRWXU)
            closed.push_back(&entry);
    }
    m_crew.run(folders.size(), [&](unsigned worker, std::size_t job) {
        dress_folder(*m_chains[worker], *folders[job], S_IRWXU);
    });
    for (auto folder = closed.rbegin(); folder != closed.rend(); ++folder) // what is inside first
        dress_folder(*m_chains.front(), **folder, 0);
    const bool failed = (m_group && ::fchown(m_root.get(), no_owner, *m_group) != 0) ||
                        ::fchmod(m_root.get(), mode_of_tree(m_group)) != 0;
    if (failed)
        throw_errno(fmt::format("cannot set the mode of '{}'", m_folder.string()));
}

} // namespace shipit::slug

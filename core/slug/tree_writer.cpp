#include "core/slug/tree_writer.hpp"

#include "core/base/error.hpp"
#include "core/slug/slug_check.hpp"
#include "core/slug/unpack.hpp"

#include <array>
#include <cerrno>

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

namespace shipit::slug {

namespace {

std::array<timespec, 2> times_of(const Entry& entry) {
    const timespec mtime{static_cast<time_t>(entry.mtime), 0};
    return {mtime, mtime};
}

constexpr mode_t whole_tree = 0755;
constexpr mode_t whole_tree_for_group = 0750;
constexpr auto no_owner = static_cast<uid_t>(-1);

} // namespace

TreeWriter::TreeWriter(const SlugFile& slug, const Path& folder, std::optional<gid_t> group,
                       Crew& crew)
    : m_slug(slug), m_folder(folder), m_group(group), m_crew(crew),
      m_root(sys::open_file(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)),
      m_hashes(slug.list(), crew) {
    for (unsigned i = 0; i < crew.workers(); i++)
        m_chains.push_back(std::make_unique<FolderChain>(m_root.get(), m_folder));
}

void TreeWriter::make_folders() {
    auto& chain = *m_chains.front();
    for (const auto& entry : m_slug.list().entries) {
        if (entry.type != Type::folder)
            continue;
        const int parent = chain.parent_of(entry.path);
        if (parent < 0 || ::mkdirat(parent, FolderChain::name_of(entry.path).c_str(), S_IRWXU) != 0)
            throw_errno(fmt::format("cannot create '{}'", chain.shown(entry.path)));
    }
}

void TreeWriter::write(unsigned worker, const Part& part, std::string_view bytes) {
    if (part.kind == Part::Kind::padding)
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
                                     O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                                     S_IRUSR | S_IWUSR));
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
            throw_errno(fmt::format("cannot write '{}'", (m_folder / entry.path).string()));
        offset += static_cast<std::uint64_t>(n);
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
}

// The group first: changing it takes mode bits away.
void TreeWriter::dress(int fd, const Entry& entry) const {
    const bool failed = (m_group && ::fchown(fd, no_owner, *m_group) != 0) ||
                        ::fchmod(fd, mode_in_tree(entry, m_group)) != 0 ||
                        ::futimens(fd, times_of(entry).data()) != 0;
    if (failed)
        throw_errno(fmt::format("cannot set the mode of '{}'", (m_folder / entry.path).string()));
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

void TreeWriter::make_hard_link(const Entry& entry) {
    auto& chain = *m_chains.front();
    FolderChain target_chain(m_root.get(), m_folder);
    const int from = target_chain.parent_of(entry.target);
    const int to = chain.parent_of(entry.path);
    if (from < 0 || to < 0 ||
        ::linkat(from, FolderChain::name_of(entry.target).c_str(), to,
                 FolderChain::name_of(entry.path).c_str(), 0) != 0)
        throw_errno(fmt::format("cannot link '{}'", chain.shown(entry.path)));
}

void TreeWriter::dress_folder(const Entry& entry) {
    auto& chain = *m_chains.front();
    const int parent = chain.parent_of(entry.path);
    const sys::Fd fd(parent < 0 ? -1
                                : ::openat(parent, FolderChain::name_of(entry.path).c_str(),
                                           O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd)
        throw_errno(fmt::format("cannot open '{}'", chain.shown(entry.path)));
    dress(fd.get(), entry);
}

void TreeWriter::finish() {
    const auto& entries = m_slug.list().entries;
    for (const auto& entry : entries)
        if (entry.type == Type::hard_link)
            make_hard_link(entry);
    // What is inside first: afterwards a folder may not be ours to change any more.
    for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry)
        if (entry->type == Type::folder)
            dress_folder(*entry);
    const bool failed = (m_group && ::fchown(m_root.get(), no_owner, *m_group) != 0) ||
                        ::fchmod(m_root.get(), m_group ? whole_tree_for_group : whole_tree) != 0;
    if (failed)
        throw_errno(fmt::format("cannot set the mode of '{}'", m_folder.string()));
}

void TreeWriter::flush() const {
    if (::syncfs(m_root.get()) != 0)
        throw_errno(fmt::format("cannot flush '{}' to the disk", m_folder.string()));
}

} // namespace shipit::slug

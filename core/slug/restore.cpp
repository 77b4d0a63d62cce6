#include "core/slug/restore.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/slug/unpack.hpp"

#include <algorithm>
#include <cerrno>
#include <set>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <fmt/core.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

namespace shipit::slug {

namespace {

constexpr auto owner_as_it_is = static_cast<uid_t>(-1);

sys::Fd open_root(const Path& folder) {
    return sys::open_file(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

// What has this name itself, even if we may not read it.
sys::Fd open_unread(int parent, const std::string& name, int more_flags = 0) {
    return sys::Fd(
        parent < 0 ? -1
                   : ::openat(parent, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC | more_flags));
}

bool set_group(const sys::Fd& unread, gid_t group) {
    return ::fchownat(unread.get(), "", owner_as_it_is, group, AT_EMPTY_PATH) == 0;
}

std::string_view folder_of(std::string_view path) {
    const auto slash = path.rfind('/');
    return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

bool is_of_type(const struct stat& status, const Entry& entry) {
    switch (entry.type) {
    case Type::folder:
        return S_ISDIR(status.st_mode);
    case Type::symlink:
        return S_ISLNK(status.st_mode);
    case Type::file:
        return S_ISREG(status.st_mode);
    case Type::hard_link: // its file is listed, too
        return false;
    }
    return false;
}

// As far as can be told without reading it; the mode may be another one.
bool is_listed_file(const struct stat& status, const Entry& file) {
    return S_ISREG(status.st_mode) && static_cast<std::uint64_t>(status.st_size) == file.size &&
           status.st_mtim.tv_sec == file.mtime && status.st_mtim.tv_nsec == 0;
}

bool is_listed_link(const sys::Fd& unread, const Entry& link) {
    std::string target(link.target.size() + 1, '\0'); // one more, to see that it is longer
    const auto size = ::readlinkat(unread.get(), "", target.data(), target.size());
    return size >= 0 && std::string_view(target).substr(0, static_cast<std::size_t>(size)) ==
                            std::string_view(link.target);
}

} // namespace

Restoration::Restoration(const Places& places, const FileList& list, std::optional<gid_t> group,
                         const std::vector<ChangedEntry>& changed)
    : m_list(list), m_group(group), m_staging(places.staging), m_kept(places.kept),
      m_tree_root(open_root(places.tree)), m_staging_root(open_root(m_staging)),
      m_tree(m_tree_root.get(), places.tree),
      m_staged(m_staging_root.get(), m_staging, Missing::is_made), m_is_placed(list.entries.size()),
      m_is_dressed(list.entries.size()), m_needed(list.entries.size()) {
    for (const ChangedEntry& change : changed) {
        const bool is_mode_of_file = change.kind == ChangedEntry::Kind::mode &&
                                     list.entries[change.index].type == Type::file;
        (is_mode_of_file ? m_is_dressed : m_is_placed)[change.index] = 1;
    }
    add_other_names();
    add_closed_folders();
    for (std::size_t i = 0; i < m_needed.size(); i++) {
        const auto& entry = m_list.entries[i];
        if (m_is_placed[i] == 0 || entry.type == Type::folder)
            continue;
        const bool is_link = entry.type == Type::hard_link;
        m_needed[is_link ? index_of(*m_list.find(entry.target)) : i] = 1;
    }
}

// All names of a changed file become names of the new one. Those that cannot be reached are in a
// folder that gave way to a shared one.
void Restoration::add_other_names() {
    const auto file_of = [](const Entry& entry) -> const std::string& {
        return entry.type == Type::hard_link ? entry.target : entry.path;
    };
    std::set<std::string_view> linked;
    for (const auto& entry : m_list.entries)
        if (entry.type == Type::hard_link)
            linked.insert(entry.target);
    std::set<std::string_view> changed;
    for (std::size_t i = 0; i < m_is_placed.size(); i++)
        if (m_is_placed[i] != 0 && linked.count(file_of(m_list.entries[i])) != 0)
            changed.insert(file_of(m_list.entries[i]));
    for (std::size_t i = 0; i < m_is_placed.size() && !changed.empty(); i++) {
        const auto& entry = m_list.entries[i];
        if (changed.count(file_of(entry)) != 0 &&
            open_unread(m_tree.parent_of(entry.path), FolderChain::name_of(entry.path)))
            m_is_placed[i] = 1;
    }
}

// Folders that we may not write to are opened for what is to be put there, and closed again.
void Restoration::add_closed_folders() {
    std::set<std::string_view> used;
    for (std::size_t i = 0; i < m_is_placed.size(); i++)
        for (auto path = folder_of(m_list.entries[i].path);
             m_is_placed[i] != 0 && !path.empty() && used.insert(path).second;)
            path = folder_of(path);
    for (const auto path : used)
        if (const auto* folder = m_list.find(path); (folder->mode & S_IRWXU) != S_IRWXU)
            m_is_placed[index_of(*folder)] = 1;
}

bool Restoration::needs_any() const {
    return std::find(m_needed.begin(), m_needed.end(), 1) != m_needed.end();
}

void Restoration::put_in_place() {
    const auto& entries = m_list.entries;
    for (std::size_t i = 0; i < entries.size(); i++) // before the file loses its name there
        if (m_is_placed[i] != 0 && entries[i].type == Type::hard_link)
            link_in_staging(entries[i]);
    for (std::size_t i = 0; i < entries.size(); i++) { // a folder before what is in it
        if (m_is_dressed[i] != 0 && m_is_placed[i] == 0)
            dress(entries[i], 0);
        if (m_is_placed[i] != 0)
            entries[i].type == Type::folder ? make_folder(entries[i]) : place(entries[i]);
    }
    close_folders();
}

// What is in one before it.
void Restoration::close_folders() {
    const auto& entries = m_list.entries;
    for (std::size_t i = entries.size(); i-- > 0;)
        if (m_is_placed[i] != 0 && entries[i].type == Type::folder &&
            (entries[i].mode & S_IRWXU) != S_IRWXU)
            dress(entries[i], 0);
}

void Restoration::link_in_staging(const Entry& entry) {
    FolderChain target_chain(m_staging_root.get(), m_staging);
    const int from = target_chain.parent_of(entry.target);
    const int to = m_staged.parent_of(entry.path);
    if (from < 0 || to < 0 ||
        ::linkat(from, FolderChain::name_of(entry.target).c_str(), to,
                 FolderChain::name_of(entry.path).c_str(), 0) != 0)
        throw_errno(fmt::format("cannot link '{}'", m_staged.shown(entry.path)));
}

void Restoration::place(const Entry& entry) {
    const int parent = parent_of(entry);
    const auto name = FolderChain::name_of(entry.path);
    keep_other(parent, entry);
    const int from = m_staged.parent_of(entry.path);
    if (from < 0 || ::renameat(from, name.c_str(), parent, name.c_str()) != 0)
        give_up(entry);
}

void Restoration::make_folder(const Entry& entry) {
    const int parent = parent_of(entry);
    const auto name = FolderChain::name_of(entry.path);
    if (!open_unread(parent, name, O_DIRECTORY)) {
        keep_other(parent, entry);
        (void)::unlinkat(parent, name.c_str(), 0); // it has another name where it is kept
        if (::mkdirat(parent, name.c_str(), S_IRWXU) != 0)
            give_up(entry);
    }
    dress(entry, S_IRWXU);
}

// The group first: changing it may take mode bits away.
void Restoration::dress(const Entry& entry, unsigned more_mode) {
    const auto found = open_unread(parent_of(entry), FolderChain::name_of(entry.path));
    struct stat status {};
    if (!found || ::fstat(found.get(), &status) != 0)
        give_up(entry);
    if (!is_of_type(status, entry)) { // somebody is at work there
        errno = EBUSY;
        give_up(entry);
    }
    if ((m_group && !set_group(found, *m_group)) ||
        !sys::set_mode(found, mode_in_tree(entry, m_group) | more_mode))
        give_up(entry);
}

int Restoration::parent_of(const Entry& entry) {
    const int parent = m_tree.parent_of(entry.path);
    if (parent < 0)
        give_up(entry);
    return parent;
}

// Nothing is lost by what has the place of an entry if that has its content, under whatever mode.
void Restoration::keep_other(int parent, const Entry& entry) {
    const auto found = open_unread(parent, FolderChain::name_of(entry.path));
    struct stat status {};
    if (!found && errno == ENOENT)
        return;
    if (!found || ::fstat(found.get(), &status) != 0)
        give_up(entry); // what cannot be looked at may be somebody's
    const Entry& file = entry.type == Type::hard_link ? *m_list.find(entry.target) : entry;
    const bool is_listed = (file.type == Type::file && is_listed_file(status, file)) ||
                           (file.type == Type::symlink && is_listed_link(found, file));
    if (!is_listed)
        m_kept.keep(parent, entry.path);
}

std::size_t Restoration::index_of(const Entry& entry) const {
    return static_cast<std::size_t>(&entry - m_list.entries.data());
}

void Restoration::give_up(const Entry& entry) const {
    throw_errno(fmt::format("cannot restore '{}'", m_tree.shown(entry.path)));
}

void change_group(const Path& tree, const FileList& list, std::optional<gid_t> group) {
    const auto root = open_root(tree);
    const gid_t new_group = group.value_or(::getegid());
    FolderChain chain(root.get(), tree);
    for (const auto& entry : list.entries) {
        const auto found =
            open_unread(chain.parent_of(entry.path), FolderChain::name_of(entry.path));
        struct stat status {};
        if (!found || ::fstat(found.get(), &status) != 0 || !is_of_type(status, entry))
            continue;
        if (!set_group(found, new_group) ||
            (entry.type != Type::symlink && !sys::set_mode(found, mode_in_tree(entry, group))))
            throw_errno(fmt::format("cannot change the group of '{}'", chain.shown(entry.path)));
    }
    if (::fchown(root.get(), owner_as_it_is, new_group) != 0 ||
        ::fchmod(root.get(), mode_of_tree(group)) != 0)
        throw_errno(fmt::format("cannot change the group of '{}'", tree.string()));
}

} // namespace shipit::slug

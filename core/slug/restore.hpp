// Mends a tree where it stands. Processes may live in it: it stays the same folder, with all that
// they have added. They may be able to write to some of it, too, and put symlinks in the place of
// folders meanwhile: none is followed.
#pragma once

#include "core/slug/file_list.hpp"
#include "core/slug/folder_chain.hpp"
#include "core/sys/fd.hpp"
#include "core/sys/file.hpp"

#include <cstddef>
#include <optional>
#include <vector>

#include <sys/types.h>

namespace shipit::slug {

// Puts back what was changed in a tree: first files and symlinks are to be written to a folder
// beside it, then all of it gets its place.
class Restoration {
  public:
    // `changed`: see changed_entries(). `folder` is empty, private, and on the tree's file system;
    // what is in the way of an entry goes there, and it is the caller's to remove. Both paths and
    // the list must outlive this.
    Restoration(const Path& tree, const FileList& list, std::optional<gid_t> group,
                const Path& folder, const std::vector<std::size_t>& changed);

    // The folder for what is to be written: the files and symlinks of needed(), one flag for each
    // entry of the list.
    [[nodiscard]] const Path& staging() const { return m_staging; }
    [[nodiscard]] const std::vector<char>& needed() const { return m_needed; }
    [[nodiscard]] bool needs_any() const;

    // When they are there: makes folders, gives modes and groups back, and renames what was written
    // into place; a changed file with all its names. Throws Error naming the path.
    void put_in_place();

  private:
    void add_other_names();
    void add_closed_folders();
    void link_in_staging(const Entry& entry);
    void place(const Entry& entry);
    void make_folder(const Entry& entry);
    void dress_folder(const Entry& entry, unsigned more_mode);
    [[nodiscard]] int parent_of(const Entry& entry); // in the tree
    void move_away(int parent, const Entry& entry);
    [[nodiscard]] std::size_t index_of(const Entry& entry) const;
    [[noreturn]] void give_up(const Entry& entry) const;

    const FileList& m_list;
    std::optional<gid_t> m_group;
    Path m_staging;
    Path m_away;
    sys::Fd m_tree_root;
    sys::Fd m_staging_root;
    sys::Fd m_away_root;
    FolderChain m_tree;
    FolderChain m_staged;
    std::vector<char> m_is_placed; // one flag for each entry
    std::vector<char> m_needed;
    unsigned m_moved_away = 0;
};

// Gives all that a tree has as listed to a group, or to none but ours, with the modes that follow
// from it; also what was done so already. What the list does not have stays as it is, and so does
// what was changed. Throws Error naming the path.
void change_group(const Path& tree, const FileList& list, std::optional<gid_t> group);

} // namespace shipit::slug

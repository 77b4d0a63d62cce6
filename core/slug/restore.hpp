// Mends a tree where it stands. Processes may live in it: it stays the same folder, with all that
// they have added. They may be able to write to some of it, too, and put symlinks in the place of
// folders meanwhile: none is followed.
#pragma once

#include "core/slug/file_list.hpp"
#include "core/slug/folder_chain.hpp"
#include "core/slug/kept.hpp"
#include "core/slug/tree_check.hpp"
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
    struct Places {
        const Path& tree;
        const Path& staging; // empty, private, on the tree's file system; the caller's to remove
        Kept& kept;          // for what was there
    };
    // The places and the list must outlive this.
    Restoration(const Places& places, const FileList& list, std::optional<gid_t> group,
                const std::vector<ChangedEntry>& changed);

    // What is to be written to `staging`: files and symlinks, one flag for each entry of the list.
    [[nodiscard]] const std::vector<char>& needed() const { return m_needed; }
    [[nodiscard]] bool needs_any() const;

    // When they are there: makes folders, gives modes and groups back, and renames what was written
    // into place; a changed file with all its names. What has other content than listed, or is in
    // the way, is kept. Throws Error naming the path.
    void put_in_place();

  private:
    void add_other_names();
    void add_closed_folders();
    void close_folders();
    void link_in_staging(const Entry& entry);
    void place(const Entry& entry);
    void make_folder(const Entry& entry);
    void dress(const Entry& entry, unsigned more_mode);
    [[nodiscard]] int parent_of(const Entry& entry); // in the tree
    void keep_other(int parent, const Entry& entry);
    [[nodiscard]] std::size_t index_of(const Entry& entry) const;
    [[noreturn]] void give_up(const Entry& entry) const;

    const FileList& m_list;
    std::optional<gid_t> m_group;
    const Path& m_staging;
    Kept& m_kept;
    sys::Fd m_tree_root;
    sys::Fd m_staging_root;
    FolderChain m_tree;
    FolderChain m_staged;
    std::vector<char> m_is_placed;  // one flag for each entry
    std::vector<char> m_is_dressed; // files that only have another mode
    std::vector<char> m_needed;
};

// Gives all that a tree has as listed to a group, or to none but ours, with the modes that follow
// from it; also what was done so already, and files whose content was changed. What the list does
// not have stays as it is. Throws Error naming the path.
void change_group(const Path& tree, const FileList& list, std::optional<gid_t> group);

} // namespace shipit::slug

// What was changed in a tree and gave way to the slug's: trees/ID.changed-TIME/PATH. It may be
// somebody's only copy of his data, so that nothing removes it but a person, or `destroy`.
#pragma once

#include "core/base/ids.hpp"
#include "core/slug/file_list.hpp"
#include "core/slug/folder_chain.hpp"

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace shipit::slug {

class Kept {
  public:
    // Of the tree of slug `id` in `trees`, whose list this is; both must outlive this.
    Kept(const Path& trees, const SlugId& id, const FileList& list);

    // Before something else gets the place of `path`, whose folder in the tree is `parent`: gives
    // what is there a name here, too. Without a copy, so that whoever has it open writes to what is
    // kept. Only here is, from then on, what cannot have two names (a folder). The log that SQLite
    // has beside a database goes with it. The first one makes the folder, mode 0700. Throws Error
    // naming the path.
    void keep(int parent, const std::string& path);
    // When all have their places: away with what the slug has all the same, and with what was kept
    // of the same tree before.
    void drop_copies();

    // Empty while nothing is kept.
    [[nodiscard]] const Path& folder() const { return m_folder; }

  private:
    void make_folder();
    void keep_log(int parent, const std::string& path);
    [[nodiscard]] bool is_copy(const std::string& path);
    void drop(const std::string& path);

    const Path& m_trees;
    const SlugId& m_id;
    const FileList& m_list;
    Path m_folder;
    sys::Fd m_root;
    std::unique_ptr<FolderChain> m_chain;
    std::vector<std::string> m_paths;
    std::set<std::string> m_with_log;
};

// Keeps what is at `path` in the tree of a slug, before something else gets its place. Gives the
// folder in which it is. Throws Error naming the path.
[[nodiscard]] Path keep(const Path& trees, const SlugId& id, const FileList& list,
                        const std::string& path);

// The folders in `trees` in which something is kept; of one slug's tree, or of all. In byte order.
[[nodiscard]] std::vector<Path> kept_in(const Path& trees);
[[nodiscard]] std::vector<Path> kept_in(const Path& trees, const SlugId& id);

} // namespace shipit::slug

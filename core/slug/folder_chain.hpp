// Opens what a path inside a folder names without ever following a symlink: name by name, keeping
// the folders on the way open, since the next path is mostly in the same folder.
#pragma once

#include "core/sys/fd.hpp"
#include "core/sys/file.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace shipit::slug {

using sys::Path;

class FolderChain {
  public:
    // `root` stays the caller's and must outlive this; `shown` is its name for errors.
    FolderChain(int root, Path shown) : m_root(root), m_shown(std::move(shown)) {}

    // The folder that holds `path`, open until the next call; -1 with errno set if it cannot be
    // had.
    [[nodiscard]] int parent_of(std::string_view path);
    // The last name of `path`.
    [[nodiscard]] static std::string name_of(std::string_view path);
    [[nodiscard]] std::string shown(std::string_view path) const;

  private:
    struct Link {
        std::string name;
        sys::Fd fd;
    };
    int m_root;
    Path m_shown;
    std::vector<Link> m_links;
};

} // namespace shipit::slug

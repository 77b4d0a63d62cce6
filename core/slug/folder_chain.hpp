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

enum class Missing { is_an_error, is_made };

class FolderChain {
  public:
    // `root` stays the caller's and must outlive this; `shown` is its name for errors. Folders that
    // are `missing` may be made on the way, with mode 0700.
    FolderChain(int root, Path shown, Missing missing = Missing::is_an_error)
        : m_root(root), m_shown(std::move(shown)), m_missing(missing) {}

    // The folder that holds `path`, open until the next call; -1 with errno set if it cannot be
    // had.
    [[nodiscard]] int parent_of(std::string_view path);
    // The same for a folder itself; "" is the root.
    [[nodiscard]] int folder(std::string_view path);
    // The last name of `path`.
    [[nodiscard]] static std::string name_of(std::string_view path);
    [[nodiscard]] std::string shown(std::string_view path) const;

  private:
    struct Link {
        std::string name;
        sys::Fd fd;
    };
    bool open_next(std::string name); // false with errno set

    int m_root;
    Path m_shown;
    Missing m_missing;
    std::vector<Link> m_links;
};

} // namespace shipit::slug

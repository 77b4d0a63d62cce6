// A source tree as `shipit init` reads it: it may be anybody's, so that nothing in it is run, no
// symlink followed, no device or FIFO opened, and no more read than settings need.
#pragma once

#include "core/slug/folder_chain.hpp"
#include "core/sys/file.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shipit::deploy {

class SourceTree {
  public:
    static constexpr std::uint64_t largest_file = 1 << 20;

    // Throws Error if `folder` is none that can be read.
    explicit SourceTree(const sys::Path& folder);

    // `path` is relative, as all below. What it leads to by a symlink is not there.
    [[nodiscard]] bool has_file(std::string_view path);
    [[nodiscard]] bool has_folder(std::string_view path);
    [[nodiscard]] bool has(std::string_view path); // of whatever type, a symlink too
    // Nothing if there is no such file, or if it is passed over: a symlink, too large, no UTF-8, or
    // not ours to read.
    [[nodiscard]] std::optional<std::string> text(std::string_view path);
    // In byte order; empty if there is no such folder. "" is the tree itself.
    [[nodiscard]] std::vector<std::string> names(std::string_view path);

    // "package.json: a symlink": what text() was asked for and passed over, and why.
    [[nodiscard]] const std::vector<std::string>& passed_over() const { return m_passed_over; }

  private:
    [[nodiscard]] unsigned type_of(std::string_view path); // of st_mode; 0: there is none
    std::optional<std::string> pass_over(std::string_view path, const std::string& why);

    sys::Path m_shown;
    sys::Fd m_root;
    slug::FolderChain m_folders;
    std::vector<std::string> m_passed_over;
};

} // namespace shipit::deploy

// Writes the entries of a slug into an empty private folder, from frames that several threads have
// at hand in any order.
#pragma once

#include "core/slug/crew.hpp"
#include "core/slug/folder_chain.hpp"
#include "core/slug/parts.hpp"
#include "core/slug/slug_file.hpp"
#include "core/sys/fd.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace shipit::slug {

class TreeWriter {
  public:
    TreeWriter(const SlugFile& slug, const Path& folder, std::optional<gid_t> group, Crew& crew);

    // First: every folder, ours alone until finish().
    void make_folders();
    // Then, from any thread: what a part of a frame is of. Files get their names here.
    void write(unsigned worker, const Part& part, std::string_view bytes);
    // Last: hard links, and the modes and times of folders.
    void finish();
    // All of it is on the disk when this returns.
    void flush() const;

  private:
    // A file whose content is in several frames.
    struct Running {
        sys::Fd fd;
        std::uint64_t missing = 0;
    };
    void make_symlink(FolderChain& chain, const Entry& entry) const;
    void make_file(FolderChain& chain, const Entry& entry, std::string_view content) const;
    void write_piece(FolderChain& chain, const Part& part, std::string_view bytes);
    [[nodiscard]] sys::Fd create(FolderChain& chain, const Entry& entry) const;
    void write_at(int fd, const Entry& entry, std::uint64_t offset, std::string_view bytes) const;
    void dress(int fd, const Entry& entry) const;
    void make_hard_link(const Entry& entry);
    void dress_folder(const Entry& entry);

    const SlugFile& m_slug;
    Path m_folder;
    std::optional<gid_t> m_group;
    Crew& m_crew;
    sys::Fd m_root;
    ContentHashes m_hashes;
    std::vector<std::unique_ptr<FolderChain>> m_chains; // one per worker
    std::map<std::size_t, Running> m_running;           // under the crew's lock
};

} // namespace shipit::slug

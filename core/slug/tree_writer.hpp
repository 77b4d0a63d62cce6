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
    TreeWriter(const TreeWriter&) = delete;
    TreeWriter& operator=(const TreeWriter&) = delete;
    ~TreeWriter(); // the umask is as it was

    // First, where there is a tree to take files from: shares the blocks of the bigger files that
    // are the same there, if the file system can (btrfs, XFS); each is checked against its hash.
    void clone_from(const Path& tree, const FileList& list);
    // Or else: only these entries are written, one flag for each.
    void write_only(std::vector<char> wanted);

    // Whether anything in a span of the stream is still to be written.
    [[nodiscard]] bool needs(Span span) const;
    // From any thread: what a part of a frame is of. Files get their names here, and their folders
    // come into being. Throws Error (corrupt) where a file's content does not have its hash.
    void write(unsigned worker, const Part& part, std::string_view bytes);
    // Last: hard links, and the modes and times of folders.
    void finish();

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
    void make_hard_link(FolderChain& chain, const Entry& entry);
    void dress_folder(FolderChain& chain, const Entry& entry, unsigned more_mode) const;
    bool clone(unsigned worker, const sys::Fd& source, const Entry& entry);
    [[nodiscard]] bool modes_are_kept() const;

    const SlugFile& m_slug;
    Path m_folder;
    std::optional<gid_t> m_group;
    Crew& m_crew;
    sys::Fd m_root;
    mode_t m_umask;        // of the process; it is 0 while we write
    bool m_modes_are_kept; // files get the modes that they are created with
    ContentHashes m_hashes;
    std::vector<std::unique_ptr<FolderChain>> m_chains; // one per worker
    std::vector<char> m_is_done;                        // of every entry: nothing to write
    std::map<std::size_t, Running> m_running;           // under the crew's lock
};

} // namespace shipit::slug

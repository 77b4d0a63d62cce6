// Writes a slug frame by frame into a temporary file of the releases folder; it gets its name, its
// id, when it is whole and on the disk.
#pragma once

#include "core/base/ids.hpp"
#include "core/slug/digest.hpp"
#include "core/slug/seek_table.hpp"
#include "core/slug/tail.hpp"
#include "core/sys/fd.hpp"
#include "core/sys/file.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace shipit::slug {

using sys::Path;

class SlugWriter {
  public:
    SlugWriter(const Path& releases, int level);
    SlugWriter(const SlugWriter&) = delete;
    SlugWriter& operator=(const SlugWriter&) = delete;
    ~SlugWriter(); // removes what was not published

    // Adds a data frame; `hash` is that of its unpacked bytes.
    void add_frame(std::string_view packed, std::uint64_t unpacked, const Hash& hash);

    // Adds the end of the tar, the list and the seek table, and flushes the file to the disk.
    // `text` is list.text(). Gives the archive's SHA-256.
    [[nodiscard]] std::string finish(const FileList& list, const std::string& text);

    // Renames it to `path`, in the releases folder; durable on return.
    void publish(const Path& path);

    [[nodiscard]] std::uint64_t size() const { return m_size; }

  private:
    void write(std::string_view bytes);

    Path m_releases;
    int m_level;
    sys::Fd m_fd;
    Path m_temporary; // made together with m_fd
    Sha256 m_sha256;
    std::uint64_t m_size = 0;
    std::vector<Frame> m_frames;
    std::vector<Hash> m_hashes;
};

// What the names of temporary files and folders in releases/ and trees/ begin with.
inline constexpr std::string_view temporary_prefix = ".new-";

} // namespace shipit::slug

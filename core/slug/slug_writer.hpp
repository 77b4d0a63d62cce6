// Writes a slug frame by frame into a temporary file of the releases folder; it gets its name, its
// id, when it is whole and on the disk.
#pragma once

#include "core/base/ids.hpp"
#include "core/slug/seek_table.hpp"
#include "core/slug/sha256_aside.hpp"
#include "core/slug/slug_file.hpp"
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
    void add_frame(std::string packed, std::uint64_t unpacked, const Hash& hash);

    // Adds a frame of another slug, which is open as `source`: shares its blocks where the file
    // system can (btrfs, XFS). `packed` are its bytes.
    void add_copy(std::string packed, const DataFrame& frame, int source);
    // To fill and add: an old string that has been added before, or a new one.
    [[nodiscard]] std::string spare() { return m_sha256.spare(); }

    // Adds the end of the tar, the list and the seek table, and flushes the file to the disk.
    // `text` is list.text(). Gives the archive's SHA-256.
    [[nodiscard]] std::string finish(const FileList& list, const std::string& text);

    // Renames it to `path`, in the releases folder; durable on return.
    void publish(const Path& path);

    [[nodiscard]] std::uint64_t size() const { return m_size; }

  private:
    // The copies of neighbouring frames of another slug.
    struct Run {
        std::uint64_t source_end = 0; // where the next neighbour begins there
        std::uint64_t shared_end = 0; // here: the first block that is not shared yet
    };
    enum class Sharing { untried, works, fails };

    void write(std::string bytes);
    void note_written(std::string bytes);
    [[nodiscard]] bool can_share(int source);
    void begin_run(std::uint64_t source_at);
    void share(std::string packed, std::uint64_t source_at, int source);

    Path m_releases;
    int m_level;
    sys::Fd m_fd;
    Path m_temporary; // made together with m_fd
    Sha256Aside m_sha256;
    std::uint64_t m_size = 0;
    std::uint64_t m_handed_over = 0; // of these bytes, to the disk
    Sharing m_sharing = Sharing::untried;
    Run m_run;
    std::vector<Frame> m_frames;
    std::vector<Hash> m_hashes;
};

// What the names of temporary files and folders in releases/ and trees/ begin with.
inline constexpr std::string_view temporary_prefix = ".new-";

} // namespace shipit::slug

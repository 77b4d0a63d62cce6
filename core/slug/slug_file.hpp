// A slug, open for reading: what its tail says, and its frames one by one.
#pragma once

#include "core/slug/file_list.hpp"
#include "core/slug/frame_plan.hpp"
#include "core/slug/limits.hpp"
#include "core/slug/seek_table.hpp"
#include "core/slug/zstd.hpp"
#include "core/sys/fd.hpp"
#include "core/sys/file.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace shipit::slug {

using sys::Path;

// A frame that holds a span of the unpacked stream.
struct DataFrame {
    Frame frame;
    Span span;
    Hash hash;
};

class SlugFile {
  public:
    // Reads the tail only. Throws Error (corrupt) if it is no complete slug, naming the file: by
    // `name`, if people know it by another than its path. One from outside is refused if it has
    // more entries than `limits` allow.
    explicit SlugFile(const Path& path, const std::string& name = {},
                      const Limits* limits = nullptr);
    // Whether the slug's list has this text; throws likewise. Quicker than reading what it means.
    [[nodiscard]] static bool has_list(const Path& path, std::string_view text);

    [[nodiscard]] const Path& path() const { return m_path; }
    // What errors call it, harmless on a terminal.
    [[nodiscard]] const std::string& name() const { return m_name; }
    [[nodiscard]] int fd() const { return m_fd.get(); }
    [[nodiscard]] std::uint64_t size() const { return m_size; }
    [[nodiscard]] const FileList& list() const { return m_list; }
    [[nodiscard]] const std::vector<Extent>& extents() const { return m_extents; }
    [[nodiscard]] const std::vector<Frame>& frames() const {
        return m_frames;
    } // all but the seek table
    [[nodiscard]] const std::vector<DataFrame>& data_frames() const { return m_data_frames; }
    // A hash that stands for id: equal to the file's name if the slug is whole.
    [[nodiscard]] SlugId id() const { return *m_id; }

    // The bytes at a place in the file, all of them. From any thread.
    void read_at(std::uint64_t at, std::span<char> bytes) const;
    [[nodiscard]] std::string bytes_at(std::uint64_t at, std::uint64_t size) const;
    // The unpacked bytes of a data frame, checked against its hash; valid until `decompressor` is
    // used again. From any thread. Throws Error (corrupt).
    [[nodiscard]] std::string_view unpacked(std::size_t data_frame,
                                            Decompressor& decompressor) const;
    // The same, only their number checked: for whoever checks what they make of them.
    [[nodiscard]] std::string_view unpacked_unchecked(std::size_t data_frame,
                                                      Decompressor& decompressor) const;

  private:
    [[noreturn]] void refuse_frame(const Frame& frame, const std::string& why) const;
    enum class Reading { nothing };
    SlugFile(const Path& path, const std::string& name, Reading);
    // Reads the seek table on the way.
    std::string read_list_frame();
    void place_data_frames(const std::vector<Hash>& hashes);

    Path m_path;
    std::string m_name;
    sys::Fd m_fd;
    std::uint64_t m_size = 0;
    std::optional<SlugId> m_id; // once the list is read
    FileList m_list;
    std::vector<Extent> m_extents;
    std::vector<Frame> m_frames;
    std::vector<DataFrame> m_data_frames;
};

} // namespace shipit::slug

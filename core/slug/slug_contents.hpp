// The contents of a slug's files, any piece of any of them, without unpacking the rest.
#pragma once

#include "core/slug/slug_file.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace shipit::slug {

// Not for two threads at once. Quick where pieces are asked for in the order of the list: the frame
// that was unpacked last is kept.
class SlugContents {
  public:
    // `slug` outlives this.
    explicit SlugContents(const SlugFile& slug) : m_slug(slug) {}

    // Adds `size` bytes of the file `entry` (its index in the list) from `offset` on, which must
    // lie inside of it. Throws Error (corrupt) if the slug is damaged there.
    void append(std::string& bytes, std::size_t entry, std::uint64_t offset, std::size_t size);

  private:
    [[nodiscard]] std::string_view frame_with(std::uint64_t at);

    const SlugFile& m_slug;
    Decompressor m_decompressor{Checksum::ignored}; // every frame is checked against its hash
    std::optional<std::size_t> m_frame;
    std::string_view m_bytes; // of that frame, the decompressor's
};

// A file at the root of the build ("Procfile"), whole; nothing if there is none. Throws Error if it
// is no file, or has more than `limit` bytes.
[[nodiscard]] std::optional<std::string>
read_small_file(const SlugFile& slug, const std::string& path, std::uint64_t limit = 1 << 20);

} // namespace shipit::slug

// The zstd seekable format's table at the end of a slug: which frames there are, and how big.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace shipit::slug {

// A frame of a slug. Skippable frames (pads, the list) unpack to nothing.
struct Frame {
    std::uint64_t at = 0; // in the file
    std::uint32_t packed = 0;
    std::uint32_t unpacked = 0;
};

constexpr std::uint32_t list_frame_magic = 0x184D2A5A;
constexpr std::uint32_t pad_frame_magic = 0x184D2A5B;
constexpr std::uint32_t seek_table_magic = 0x184D2A5E;
constexpr std::uint64_t skippable_header_size = 8;
constexpr std::uint64_t seek_footer_size = 9;

// Numbers as every frame stores them: least significant byte first.
void append_number(std::string& bytes, std::uint64_t number, unsigned width);
[[nodiscard]] std::uint64_t number_at(std::string_view bytes, std::size_t at, unsigned width);

// The skippable frame that lists `frames` (all that stand before it).
[[nodiscard]] std::string seek_table(const std::vector<Frame>& frames);

// How big the seek table's frame is, from the last nine bytes of a file; throws Error (corrupt) if
// they are no footer of one.
[[nodiscard]] std::uint64_t seek_table_size(std::string_view footer);
// Reads a seek table's whole frame, which ends at `file_size`. Throws Error (corrupt) unless its
// frames fill the file exactly.
[[nodiscard]] std::vector<Frame> parse_seek_table(std::string_view frame, std::uint64_t file_size);

} // namespace shipit::slug

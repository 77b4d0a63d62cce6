// Bytes told by what is different in them: a zstd frame that needs a reference to be read.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace shipit::slug {

// What makes `bytes` out of `reference` (which may be empty: a plain zstd frame then). The more of
// them is alike, the smaller it is. `level` is zstd's.
[[nodiscard]] std::string patch_of(std::string_view bytes, std::string_view reference, int level);

// Reads one, as hostile: it must give exactly `size` bytes, with their checksum. Throws Error
// (corrupt). With another reference than it was made with it throws, too.
[[nodiscard]] std::string patched(std::string_view patch, std::string_view reference,
                                  std::size_t size);

} // namespace shipit::slug

// Tar headers in GNU format, the same bytes on every machine: owner and group 0 without names, the
// nine permission bits, whole seconds, names of any length and bytes ('L' and 'K' headers).
#pragma once

#include "core/slug/file_list.hpp"

#include <cstdint>
#include <string>

namespace shipit::slug {

constexpr std::uint64_t tar_block = 512;
// The two zero blocks that end a tar.
constexpr std::uint64_t tar_end_size = 2 * tar_block;

// The header of `entry` with those of its long names: a multiple of 512 bytes.
[[nodiscard]] std::string tar_header(const Entry& entry);
// How many bytes that is; depends on the type, the path and the target alone.
[[nodiscard]] std::uint64_t tar_header_size(const Entry& entry);

// The mtime as a header can tell it: 0 to 8^11 - 1 (the year 2242).
[[nodiscard]] std::int64_t clamped_mtime(std::int64_t seconds);

} // namespace shipit::slug

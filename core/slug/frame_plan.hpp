// Where the unpacked stream of a slug is cut into frames. Decided by paths and sizes alone, so that
// it needs no content, and so that a change moves one or two cuts and not all that follow.
#pragma once

#include "core/slug/file_list.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace shipit::slug {

// Bytes of the unpacked stream that become one frame.
struct Span {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    [[nodiscard]] std::uint64_t size() const { return end - begin; }
};

// A frame is compressed again when any of its files changes, and the more bytes it has, the better
// they compress. So frames are cut by weight: the bytes of their files and a charge for each, since
// each is one more chance of a change. Where files are big, frames are big and still seldom
// touched.
struct Cut {
    std::uint64_t most = std::uint64_t{4} << 20; // bytes in a frame

    // A file of so many bytes shares its frames with no other: neither has then to be compressed
    // again for the other's sake, and it is big enough to compress as well alone.
    [[nodiscard]] std::uint64_t big() const { return most / 3; }
    [[nodiscard]] std::uint64_t lightest() const { return most / 5 * 6; }
    [[nodiscard]] std::uint64_t weight_of(std::uint64_t size) const {
        // Frames of very many small files are touched anyway; cutting them finer would only cost.
        return size + std::min(24 * size, most / 8);
    }
};

// Covers the stream of `list` without its end-of-archive blocks. No span is empty or larger than
// Cut::most by more than one tar header.
[[nodiscard]] std::vector<Span> plan_frames(const FileList& list,
                                            const std::vector<Extent>& extents, const Cut& cut);

// The first entry with bytes at or after `at`; entries.size() if there is none.
[[nodiscard]] std::size_t entry_at(const std::vector<Extent>& extents, std::uint64_t at);

} // namespace shipit::slug

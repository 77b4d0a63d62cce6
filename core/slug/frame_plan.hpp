// Where the unpacked stream of a slug is cut into frames. Decided by paths and sizes alone, so that
// it needs no content, and so that a change moves one or two cuts and not all that follow.
#pragma once

#include "core/slug/file_list.hpp"

#include <cstdint>
#include <vector>

namespace shipit::slug {

// Bytes of the unpacked stream that become one frame.
struct Span {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    [[nodiscard]] std::uint64_t size() const { return end - begin; }
};

struct Cut {
    std::uint64_t target = std::uint64_t{1} << 20; // a frame of small files, on average
    // Files bigger than this, and frames of more than this, are cut.
    [[nodiscard]] std::uint64_t most() const { return 2 * target; }
};

// Covers the stream of `list` without its end-of-archive blocks. No span is empty or larger than
// Cut::most() by more than one tar header.
[[nodiscard]] std::vector<Span> plan_frames(const FileList& list,
                                            const std::vector<Extent>& extents, const Cut& cut);

// The first entry with bytes at or after `at`; entries.size() if there is none.
[[nodiscard]] std::size_t entry_at(const std::vector<Extent>& extents, std::uint64_t at);

} // namespace shipit::slug

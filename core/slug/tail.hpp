// The frame near the end of a slug that holds its file list, the mtimes, and the hashes of frames.
// Its bytes are described in shipit-slug(5).
#pragma once

#include "core/slug/digest.hpp"
#include "core/slug/file_list.hpp"
#include "core/slug/limits.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace shipit::slug {

struct Tail {
    SlugId id; // of the list
    FileList list;
    std::vector<Hash> frame_hashes; // of the unpacked bytes of each data frame, in order
};

// A whole skippable frame. `text` is list.text().
[[nodiscard]] std::string list_frame(const FileList& list, std::string_view text,
                                     const std::vector<Hash>& frame_hashes, int level);

// Reads one, as hostile. Throws Error (corrupt); (failed) if a newer shipit wrote it, or if it has
// more entries than `limits` allow, if there are any.
[[nodiscard]] Tail parse_list_frame(std::string_view frame, const Limits* limits = nullptr);

// Whether the list in such a frame has this text. Throws like parse_list_frame.
[[nodiscard]] bool holds_list(std::string_view frame, std::string_view text);

} // namespace shipit::slug

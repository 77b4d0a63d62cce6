#include "core/slug/slug_contents.hpp"

#include <algorithm>

namespace shipit::slug {

std::string_view SlugContents::frame_with(std::uint64_t at) {
    const auto& frames = m_slug.data_frames();
    const auto found = std::upper_bound(
        frames.begin(), frames.end(), at,
        [](std::uint64_t wanted, const DataFrame& frame) { return wanted < frame.span.end; });
    const auto index = static_cast<std::size_t>(found - frames.begin());
    if (m_frame != index) {
        m_frame.reset(); // what is kept is gone, should this throw
        m_bytes = m_slug.unpacked(index, m_decompressor);
        m_frame = index;
    }
    return m_bytes.substr(at - found->span.begin);
}

void SlugContents::append(std::string& bytes, std::size_t entry, std::uint64_t offset,
                          std::size_t size) {
    for (auto at = m_slug.extents()[entry].data + offset; size > 0;) {
        const auto piece = frame_with(at).substr(0, size);
        bytes += piece;
        at += piece.size();
        size -= piece.size();
    }
}

} // namespace shipit::slug

#include "core/slug/slug_contents.hpp"

#include "core/base/error.hpp"

#include <algorithm>

#include <fmt/core.h>

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

std::optional<std::string> read_small_file(const SlugFile& slug, const std::string& path,
                                           std::uint64_t limit) {
    const auto& list = slug.list();
    const Entry* entry = list.find(path);
    if (entry == nullptr)
        return std::nullopt;
    if (entry->type != Type::file || entry->size > limit)
        throw Error(fmt::format("'{}' in the slug is no file of at most {} bytes", path, limit));
    std::string bytes;
    SlugContents(slug).append(bytes, static_cast<std::size_t>(entry - list.entries.data()), 0,
                              static_cast<std::size_t>(entry->size));
    return bytes;
}

} // namespace shipit::slug

#include "core/slug/parts.hpp"

#include <algorithm>

namespace shipit::slug {

std::vector<Part> parts_in(const FileList& list, const std::vector<Extent>& extents, Span span) {
    std::vector<Part> parts;
    const auto add = [&](Part::Kind kind, std::size_t entry, std::uint64_t begin,
                         std::uint64_t end) {
        const auto from = std::max(begin, span.begin);
        const auto to = std::min(end, span.end);
        if (from < to)
            parts.push_back({kind, entry, from - begin, static_cast<std::size_t>(from - span.begin),
                             static_cast<std::size_t>(to - from)});
    };
    for (auto i = entry_at(extents, span.begin); i < extents.size() && extents[i].header < span.end;
         i++) {
        const auto& extent = extents[i];
        const auto data_end = extent.data + list.entries[i].size;
        add(Part::Kind::header, i, extent.header, extent.data);
        add(Part::Kind::data, i, extent.data, data_end);
        add(Part::Kind::padding, i, data_end, extent.end);
    }
    add(Part::Kind::padding, extents.size(), extents.empty() ? 0 : extents.back().end, span.end);
    return parts;
}

std::optional<Hash> ContentHashes::add(std::size_t entry, std::uint64_t offset,
                                       std::string_view piece) {
    const auto whole = m_list.entries[entry].size;
    if (piece.size() == whole)
        return hash_of(piece);
    Running* running = nullptr;
    m_crew.wait_until([&] {
        running = &m_running[entry];
        return running->size == offset;
    });
    running->hasher.add(piece); // nobody else's turn comes before size says so
    const bool is_last = offset + piece.size() == whole;
    const auto hash = is_last ? std::optional(running->hasher.result()) : std::nullopt;
    m_crew.change([&] {
        running->size += piece.size();
        if (is_last)
            m_running.erase(entry);
    });
    return hash;
}

} // namespace shipit::slug

#include "core/slug/earlier_slug.hpp"

namespace shipit::slug {

namespace {

void append_eight(std::string& bytes, std::uint64_t number) {
    append_number(bytes, number, 8);
}

} // namespace

// The header's bytes follow from the entry's fields, which are quicker to hash.
Hash frame_key(const FileList& list, const std::vector<Part>& parts) {
    std::string told;
    told.reserve(parts.size() * 128);
    for (const auto& part : parts) {
        told += static_cast<char>('0' + static_cast<int>(part.kind));
        append_eight(told, part.offset);
        append_eight(told, part.size);
        if (part.kind == Part::Kind::padding)
            continue;
        const auto& entry = list.entries[part.entry];
        if (part.kind == Part::Kind::data) {
            append_eight(told, entry.hash.high);
            append_eight(told, entry.hash.low);
            continue;
        }
        told += static_cast<char>(entry.type);
        append_eight(told, entry.mode);
        append_eight(told, static_cast<std::uint64_t>(entry.mtime));
        append_eight(told, entry.size);
        append_eight(told, entry.path.size());
        told += entry.path;
        append_eight(told, entry.target.size());
        told += entry.target;
    }
    return hash_of(told);
}

EarlierSlug::EarlierSlug(const Path& path) : m_file(path) {
    const auto& frames = m_file.data_frames();
    for (std::size_t i = 0; i < frames.size(); i++) {
        const auto parts = parts_in(m_file.list(), m_file.extents(), frames[i].span);
        m_by_key.emplace(frame_key(m_file.list(), parts), i);
        m_by_bytes.emplace(frames[i].hash, i);
    }
}

std::vector<std::size_t> EarlierSlug::alike(const FileList& list) const {
    std::vector<std::size_t> indices;
    merge(m_file.list(), list, [&](const Entry* then, const Entry* now) {
        if (then != nullptr && now != nullptr && now->type == Type::file &&
            then->type == Type::file && then->mode == now->mode && then->size == now->size)
            indices.push_back(static_cast<std::size_t>(now - list.entries.data()));
    });
    return indices;
}

void EarlierSlug::carry_times(FileList& list) const {
    merge(m_file.list(), list, [&](const Entry* then, const Entry* now) {
        if (then != nullptr && now != nullptr && then->same_content(*now))
            list.entries[static_cast<std::size_t>(now - list.entries.data())].mtime = then->mtime;
    });
}

const DataFrame* EarlierSlug::found(const Index& index, const Hash& hash) const {
    const auto place = index.find(hash);
    return place == index.end() ? nullptr : &m_file.data_frames()[place->second];
}

const DataFrame* EarlierSlug::with_key(const Hash& key) const {
    return found(m_by_key, key);
}

const DataFrame* EarlierSlug::with_bytes(const Hash& hash) const {
    return found(m_by_bytes, hash);
}

} // namespace shipit::slug

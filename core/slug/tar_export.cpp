#include "core/slug/tar_export.hpp"

#include "core/slug/slug_contents.hpp"
#include "core/slug/tar_header.hpp"

#include <algorithm>

namespace shipit::slug {

namespace {

constexpr std::uint64_t piece_size = std::uint64_t{1} << 20;
constexpr unsigned folder_mode = 0755;

Entry folder_entry(const std::string& path) {
    Entry entry;
    entry.type = Type::folder;
    entry.mode = folder_mode;
    entry.path = path;
    return entry;
}

// A symlink says what it says; a hard link names a path of the archive.
Entry below(const std::string& folder, Entry entry) {
    entry.path = folder + "/" + entry.path;
    if (entry.type == Type::hard_link)
        entry.target = folder + "/" + entry.target;
    return entry;
}

} // namespace

void TarWriter::add(const Entry& entry) {
    m_sink(tar_header(entry));
}

void TarWriter::add_content(std::string_view bytes) {
    m_sink(bytes);
}

void TarWriter::finish_content(const Entry& entry) {
    if (entry.size % tar_block != 0)
        m_sink(std::string(tar_block - entry.size % tar_block, '\0'));
}

void TarWriter::finish() {
    m_sink(std::string(tar_end_size, '\0'));
}

void write_tar(const SlugFile& slug, const Sink& sink, const Progress& progress) {
    Decompressor decompressor(Checksum::ignored); // every frame is checked against its hash
    const auto& frames = slug.data_frames();
    for (std::size_t i = 0; i < frames.size(); i++) {
        sink(slug.unpacked(i, decompressor));
        progress.advance_to(i + 1, frames.size());
    }
}

void write_tar_below(const std::string& folder, const SlugFile& slug, const Sink& sink,
                     const Progress& progress) {
    TarWriter tar(sink);
    tar.add(folder_entry(folder));
    SlugContents contents(slug);
    const auto& entries = slug.list().entries;
    std::string bytes;
    for (std::size_t i = 0; i < entries.size(); i++) {
        const Entry entry = below(folder, entries[i]);
        tar.add(entry);
        for (std::uint64_t at = 0; at < entry.size; at += bytes.size()) {
            bytes.clear();
            const auto size = std::min(entry.size - at, piece_size);
            contents.append(bytes, i, at, static_cast<std::size_t>(size));
            tar.add_content(bytes);
        }
        tar.finish_content(entry);
        progress.advance_to(i + 1, entries.size());
    }
    tar.finish();
}

} // namespace shipit::slug

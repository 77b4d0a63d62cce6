#include "core/slug/slug_check.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/slug/crew.hpp"
#include "core/slug/parts.hpp"
#include "core/slug/tar_header.hpp"

#include <algorithm>
#include <atomic>
#include <memory>

#include <fmt/core.h>

namespace shipit::slug {

namespace {

[[noreturn]] void refuse(const SlugFile& slug, const std::string& why) {
    throw Error(fmt::format("slug '{}' is damaged: {}", slug.name(), why), Outcome::corrupt);
}

class ContentCheck {
  public:
    ContentCheck(const SlugFile& slug, const Progress& progress)
        : m_slug(slug), m_progress(progress), m_hashes(slug.list(), m_crew),
          m_decompressors(m_crew.workers()) {}

    void run() {
        check_skippable_frames();
        m_crew.run(m_slug.data_frames().size(), [this](unsigned worker, std::size_t frame) {
            auto& decompressor = m_decompressors[worker];
            if (!decompressor)
                decompressor = std::make_unique<Decompressor>();
            check_frame(frame, *decompressor);
        });
    }

  private:
    // What readers pass over must be just that, or `zstd -d` would see other bytes than we do.
    void check_skippable_frames() {
        for (const auto& frame : m_slug.frames()) {
            if (frame.unpacked != 0)
                continue;
            const auto header = frame.packed < skippable_header_size
                                    ? std::string(skippable_header_size, '\0')
                                    : m_slug.bytes_at(frame.at, skippable_header_size);
            const auto magic = number_at(header, 0, 4);
            if ((magic & ~std::uint64_t{15}) != 0x184D2A50 ||
                number_at(header, 4, 4) != frame.packed - skippable_header_size)
                refuse(m_slug, fmt::format("there is no skippable frame at byte {}", frame.at));
        }
    }

    void check_frame(std::size_t index, Decompressor& decompressor) {
        const auto& frame = m_slug.data_frames()[index];
        const auto bytes = m_slug.unpacked(index, decompressor);
        for (const auto& part : parts_in(m_slug.list(), m_slug.extents(), frame.span))
            check_part(part, bytes.substr(part.at, part.size));
        m_progress.advance_to(m_done += frame.frame.packed, m_slug.size());
    }

    void check_part(const Part& part, std::string_view bytes) {
        if (part.kind == Part::Kind::padding) {
            if (std::any_of(bytes.begin(), bytes.end(), [](char byte) { return byte != '\0'; }))
                refuse(m_slug, "there is something between its files");
            return;
        }
        const auto& entry = m_slug.list().entries[part.entry];
        if (part.kind == Part::Kind::header) {
            if (std::string_view(tar_header(entry)).substr(part.offset, part.size) != bytes)
                refuse(m_slug, fmt::format("the tar header of '{}' is not what its list says",
                                           printable(entry.path)));
            if (entry.type == Type::file && entry.size == 0 && entry.hash != hash_of({}))
                refuse_content(m_slug, entry, hash_of({}));
            return;
        }
        const auto hash = m_hashes.add(part.entry, part.offset, bytes);
        if (hash && *hash != entry.hash)
            refuse_content(m_slug, entry, *hash);
    }

    const SlugFile& m_slug;
    const Progress& m_progress;
    Crew m_crew{0};
    ContentHashes m_hashes;
    std::vector<std::unique_ptr<Decompressor>> m_decompressors;
    std::atomic<std::uint64_t> m_done = 0;
};

} // namespace

void require_id(const SlugFile& slug, const SlugId& id) {
    const auto found = slug.id();
    if (found != id)
        refuse(slug, fmt::format("the hash of its file list is {} instead of {}", found.text(),
                                 id.text()));
}

void require_sha256(const Store& store, const SlugId& id, const std::string& sha256,
                    const Progress& progress) {
    const auto found = store.sha256_of(id, progress);
    if (found != sha256)
        throw Error(fmt::format("slug '{}' is damaged: its SHA-256 is {} instead of {}",
                                printable(store.path_of(id).string()), found, printable(sha256)),
                    Outcome::corrupt);
}

void check_content(const SlugFile& slug, const Progress& progress) {
    ContentCheck(slug, progress).run();
}

void refuse_content(const SlugFile& slug, const Entry& entry, const Hash& found) {
    refuse(slug, fmt::format("the content of '{}' has the hash {} instead of {}",
                             printable(entry.path), found.hex(), entry.hash.hex()));
}

} // namespace shipit::slug

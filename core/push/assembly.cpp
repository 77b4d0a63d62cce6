#include "core/push/assembly.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/slug/archive_source.hpp"
#include "core/slug/digest.hpp"
#include "core/slug/patch.hpp"
#include "core/slug/slug_contents.hpp"
#include "core/slug/staging_writer.hpp"

#include <algorithm>
#include <deque>

#include <fmt/core.h>

namespace shipit::push {

namespace {

constexpr std::size_t block = std::size_t{1} << 20;

// The contents that were sent, one after the other.
class Arrived {
  public:
    Arrived(const Material& material, const Arrivals& arrivals, const slug::Limits& limits)
        : m_pieces(material.pieces), m_base(base_of(material)), m_arrivals(arrivals),
          m_limits(limits) {}

    void append(std::string& bytes, std::size_t size) {
        while (size > 0) {
            if (m_at == m_bytes.size())
                open_next();
            const auto count = std::min(size, m_bytes.size() - m_at);
            bytes.append(m_bytes, m_at, count);
            m_at += count;
            size -= count;
        }
    }

  private:
    static const slug::SlugFile* base_of(const Material& material) {
        return material.slugs.empty() ? nullptr : material.slugs.front().get();
    }

    void open_next() {
        const auto& piece = m_pieces.at(m_next);
        const auto patch = m_arrivals.patch(m_next++);
        const auto reference = reference_of(piece, m_base);
        m_read += patch.size() + reference.size();
        m_made += piece.size;
        slug::require_honest_expansion(m_made, m_read, m_limits);
        m_bytes = slug::patched(patch, reference, piece.size);
        m_at = 0;
    }

    const std::vector<Piece>& m_pieces;
    const slug::SlugFile* m_base;
    const Arrivals& m_arrivals;
    const slug::Limits& m_limits;
    std::size_t m_next = 0;
    std::uint64_t m_read = 0;
    std::uint64_t m_made = 0;
    std::string m_bytes;
    std::size_t m_at = 0;
};

class Assembly {
  public:
    Assembly(const Material& material, const Arrivals& arrivals, const Path& folder,
             const slug::Limits& limits)
        : m_material(material), m_arrived(material, arrivals, limits), m_writer(folder, limits) {
        for (const auto& slug : material.slugs)
            m_contents.emplace_back(*slug);
    }

    void run(const Progress& progress) {
        const auto& entries = m_material.list.entries;
        const auto total = m_material.list.unpacked();
        m_sha256.add(m_material.list.text());
        for (std::size_t i = 0; i < entries.size(); i++) {
            take(i);
            progress.advance_to(m_done, total);
        }
        m_writer.finish();
        if (m_sha256.finish() != m_material.sha256)
            throw Error("what was put together has another SHA-256 than what was pushed",
                        Outcome::corrupt)
                .advise("push again");
    }

  private:
    void take(std::size_t index) {
        const auto& entry = m_material.list.entries[index];
        const auto path = m_writer.clean(entry.path);
        const slug::Attributes attributes{entry.mode, entry.mtime, 0};
        switch (entry.type) {
        case slug::Type::folder:
            return m_writer.make_folder(path, attributes);
        case slug::Type::symlink:
            return m_writer.make_symlink(path, entry.target, attributes);
        case slug::Type::hard_link:
            return m_writer.make_hard_link(path, m_writer.clean(entry.target));
        case slug::Type::file:
            m_writer.begin_file(path);
            write_content(index);
            return m_writer.finish_file(entry.size, attributes);
        }
    }

    void write_content(std::size_t index) {
        const auto& entry = m_material.list.entries[index];
        slug::Hasher hasher;
        std::string bytes;
        for (std::uint64_t at = 0; at < entry.size; at += bytes.size()) {
            const auto size =
                static_cast<std::size_t>(std::min<std::uint64_t>(entry.size - at, block));
            bytes.clear();
            if (const auto& place = m_material.places[index])
                m_contents[place->slug].append(bytes, place->entry, at, size);
            else
                m_arrived.append(bytes, size);
            hasher.add(bytes);
            m_sha256.add(bytes);
            m_writer.write_block(at, bytes);
            m_done += bytes.size();
        }
        if (hasher.result() != entry.hash)
            throw Error(fmt::format("the content of '{}' has the hash {} instead of {}",
                                    printable(entry.path), hasher.result().hex(), entry.hash.hex()),
                        Outcome::corrupt)
                .advise("push again");
    }

    const Material& m_material;
    Arrived m_arrived;
    slug::StagingWriter m_writer;
    std::deque<slug::SlugContents> m_contents; // they do not move
    slug::Sha256 m_sha256;
    std::uint64_t m_done = 0;
};

} // namespace

void require_within(const slug::FileList& list, const slug::Limits& limits) {
    if (list.entries.size() > limits.entries)
        slug::refuse_entries(limits);
    std::uint64_t sum = 0;
    for (const auto& entry : list.entries) {
        if (entry.size > limits.bytes || sum > limits.bytes - entry.size)
            slug::refuse_beyond(limits, slug::Limit::bytes,
                                std::max(entry.size, limits.bytes) + sum,
                                fmt::format("it unpacks to more than slug.max_bytes ({})",
                                            size_text(limits.bytes)));
        sum += entry.size;
    }
}

std::string sha256_of(const slug::SlugFile& slug, const Progress& progress) {
    slug::SlugContents contents(slug);
    slug::Sha256 sha256;
    sha256.add(slug.list().text());
    std::string bytes;
    std::uint64_t done = 0;
    const auto total = slug.list().unpacked();
    const auto& entries = slug.list().entries;
    for (std::size_t i = 0; i < entries.size(); i++)
        for (std::uint64_t at = 0; at < entries[i].size; at += bytes.size()) {
            bytes.clear();
            contents.append(
                bytes, i, at,
                static_cast<std::size_t>(std::min<std::uint64_t>(entries[i].size - at, block)));
            sha256.add(bytes);
            progress.advance_to(done += bytes.size(), total);
        }
    return sha256.finish();
}

std::string reference_of(const Piece& piece, const slug::SlugFile* base) {
    std::string reference;
    if (base == nullptr || piece.reference.empty())
        return reference;
    slug::SlugContents contents(*base);
    for (const auto& stretch : piece.reference)
        contents.append(reference, stretch.entry, stretch.offset, stretch.size);
    return reference;
}

slug::Build assemble(const Material& material, const Arrivals& arrivals, const Path& parent,
                     const slug::Limits& limits, const Progress& progress) {
    progress.begin_phase("putting the build together");
    return while_doing("putting the pushed build together", [&] {
        sys::TempFolder folder(parent, slug::staging_prefix);
        Assembly(material, arrivals, folder.path(), limits).run(progress);
        return slug::Build::made("what was pushed", std::move(folder));
    });
}

} // namespace shipit::push

#include "core/slug/packing.hpp"

#include "core/slug/buffer.hpp"
#include "core/slug/content_reader.hpp"
#include "core/slug/tar_header.hpp"
#include "core/slug/zstd.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

namespace shipit::slug {

namespace {

// So many packed bytes may wait for their turn to be written while more are made.
constexpr std::size_t most_waiting = std::size_t{4} << 20;

struct PackedFrame {
    std::string bytes;
    std::uint64_t unpacked = 0;
    Hash hash;
    const DataFrame* source = nullptr; // in the earlier slug, if it is a copy, which has no bytes
};

class Packing {
  public:
    Packing(const Build& build, Draft& draft, SlugWriter& writer, Crew& crew,
            const PackingOptions& options)
        : m_build(build), m_list(draft.walked.list), m_draft(draft), m_writer(writer), m_crew(crew),
          m_options(options), m_extents(extents_of(m_list)),
          m_plan(plan_frames(m_list, m_extents, options.cut)), m_hashes(m_list, m_crew),
          m_workers(m_crew.workers()) {}

    Reused run() {
        m_crew.run(m_plan.size(), [this](unsigned worker, std::size_t frame) {
            m_crew.wait_until([&] { return frame == m_written || m_waiting_bytes < most_waiting; });
            deliver(frame, make_frame(worker, m_plan[frame]));
        });
        return m_reused;
    }

  private:
    struct Worker {
        Worker(const Build& build, int level)
            : reader(build.fd(), build.name()), compressor(level) {}
        ContentReader reader;
        Compressor compressor;
        Buffer bytes;
    };

    Worker& worker_at(unsigned index) {
        auto& worker = m_workers[index];
        if (!worker)
            worker = std::make_unique<Worker>(m_build, m_options.level);
        return *worker;
    }

    PackedFrame make_frame(unsigned worker, Span span) {
        const auto parts = parts_in(m_list, m_extents, span);
        if (m_options.earlier != nullptr && are_hashed(parts))
            if (const auto* frame = m_options.earlier->with_key(frame_key(m_list, parts)))
                return copy_of(*frame);
        return packed(worker_at(worker), parts, span);
    }

    [[nodiscard]] bool are_hashed(const std::vector<Part>& parts) const {
        return std::all_of(parts.begin(), parts.end(), [&](const Part& part) {
            return part.kind != Part::Kind::data || m_draft.is_hashed[part.entry] != 0;
        });
    }

    PackedFrame packed(Worker& worker, const std::vector<Part>& parts, Span span) {
        const auto room = worker.bytes.of(span.size());
        for (const auto& part : parts)
            fill(worker.reader, part, room.subspan(part.at, part.size));
        const std::string_view bytes(room.data(), room.size());
        const auto hash = hash_of(bytes);
        if (m_options.earlier != nullptr)
            if (const auto* frame = m_options.earlier->with_bytes(hash))
                return copy_of(*frame);
        return {worker.compressor.compress(bytes), span.size(), hash};
    }

    static PackedFrame copy_of(const DataFrame& frame) {
        return {{}, frame.span.size(), frame.hash, &frame};
    }

    void fill(ContentReader& reader, const Part& part, std::span<char> bytes) {
        if (part.kind == Part::Kind::padding) {
            std::fill(bytes.begin(), bytes.end(), '\0');
            return;
        }
        auto& entry = m_list.entries[part.entry];
        if (part.kind == Part::Kind::header) {
            tar_header(entry).copy(bytes.data(), part.size, part.offset);
            return;
        }
        reader.read(entry, m_draft.walked.identities[part.entry], part.offset, bytes);
        take_hash(entry, part, {bytes.data(), bytes.size()});
    }

    void take_hash(Entry& entry, const Part& part, std::string_view piece) {
        if (m_draft.is_hashed[part.entry] == 0) {
            if (const auto hash = m_hashes.add(part.entry, part.offset, piece))
                entry.hash = *hash; // no other job looks at this entry's hash
        } else if (part.size == entry.size && hash_of(piece) != entry.hash) {
            throw StaleCache(); // other pieces of a file may be in frames that are copied
        }
    }

    // Whoever brings the frame that is next writes it, and those that follow it.
    void deliver(std::size_t frame, PackedFrame packed) {
        bool is_writer = false;
        m_crew.change([&] {
            m_waiting_bytes += packed.bytes.size();
            m_waiting.emplace(frame, std::move(packed));
            is_writer = !std::exchange(m_has_writer, true);
        });
        PackedFrame next;
        while (is_writer) {
            m_crew.change([&] { is_writer = take_next(next); });
            if (!is_writer)
                break;
            write(next);
            m_done += next.unpacked;
            m_options.progress.advance_to(m_done, m_plan.back().end);
            m_crew.change([&] { m_written++; });
        }
    }

    bool take_next(PackedFrame& next) {
        const auto found = m_waiting.find(m_written);
        m_has_writer = found != m_waiting.end();
        if (!m_has_writer)
            return false;
        next = std::move(found->second);
        m_waiting.erase(found);
        m_waiting_bytes -= next.bytes.size();
        return true;
    }

    void write(PackedFrame& frame) {
        if (frame.source == nullptr)
            return m_writer.add_frame(std::move(frame.bytes), frame.unpacked, frame.hash);
        // What it holds is checked when the new slug is unpacked, as everything is, even where the
        // tree takes its files from elsewhere.
        const auto& earlier = m_options.earlier->file();
        auto bytes = m_writer.spare();
        bytes.resize(frame.source->frame.packed);
        earlier.read_at(frame.source->frame.at, bytes);
        m_writer.add_copy(std::move(bytes), *frame.source, earlier.fd());
        m_reused.frames++;
        m_reused.bytes += frame.unpacked;
    }

    const Build& m_build;
    FileList& m_list;
    Draft& m_draft;
    SlugWriter& m_writer;
    Crew& m_crew;
    const PackingOptions& m_options;
    std::vector<Extent> m_extents;
    std::vector<Span> m_plan;
    ContentHashes m_hashes;
    std::vector<std::unique_ptr<Worker>> m_workers;
    // The writer's:
    std::uint64_t m_done = 0;
    Reused m_reused;
    // Under the crew's lock:
    std::map<std::size_t, PackedFrame> m_waiting;
    std::size_t m_waiting_bytes = 0; // of theirs, packed; copies wait without their bytes
    std::size_t m_written = 0;
    bool m_has_writer = false;
};

} // namespace

Reused pack_frames(const Build& build, Draft& draft, SlugWriter& writer, Crew& crew,
                   const PackingOptions& options) {
    return Packing(build, draft, writer, crew, options).run();
}

} // namespace shipit::slug

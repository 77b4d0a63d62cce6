#include "core/slug/pack.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/slug/content_reader.hpp"
#include "core/slug/crew.hpp"
#include "core/slug/parts.hpp"
#include "core/slug/slug_check.hpp"
#include "core/slug/slug_file.hpp"
#include "core/slug/slug_writer.hpp"
#include "core/slug/tar_header.hpp"
#include "core/slug/walk.hpp"

#include <algorithm>
#include <map>
#include <memory>

#include <fmt/core.h>
#include <sys/stat.h>

namespace shipit::slug {

namespace {

struct PackedFrame {
    std::string bytes;
    std::uint64_t unpacked = 0;
    Hash hash;
};

// Reads, hashes and compresses the frames of a plan on all cores, and writes them in order. No more
// than two frames per core and two are in memory, whatever the size of the build.
class Packing {
  public:
    Packing(const Build& build, Walked& walked, SlugWriter& writer, const PackOptions& options)
        : m_build(build), m_list(walked.list), m_identities(walked.identities), m_writer(writer),
          m_options(options), m_extents(extents_of(m_list)),
          m_plan(plan_frames(m_list, m_extents, options.cut)), m_crew(options.threads),
          m_hashes(m_list, m_crew), m_workers(m_crew.workers()) {}

    // Fills in the hashes of the list.
    void run() {
        m_crew.run(m_plan.size(), [this](unsigned worker, std::size_t frame) {
            m_crew.wait_until([&] { return frame < m_written + m_in_flight; });
            deliver(frame, pack_frame(worker_at(worker), m_plan[frame]));
        });
    }

  private:
    struct Worker {
        Worker(const Build& build, int level)
            : reader(build.fd(), build.name()), compressor(level) {}
        ContentReader reader;
        Compressor compressor;
        std::string bytes;
    };

    Worker& worker_at(unsigned index) {
        auto& worker = m_workers[index];
        if (!worker)
            worker = std::make_unique<Worker>(m_build, m_options.level);
        return *worker;
    }

    PackedFrame pack_frame(Worker& worker, Span span) {
        worker.bytes.resize(span.size());
        for (const auto& part : parts_in(m_list, m_extents, span))
            fill(worker, part);
        return {worker.compressor.compress(worker.bytes), span.size(), hash_of(worker.bytes)};
    }

    void fill(Worker& worker, const Part& part) {
        char* bytes = worker.bytes.data() + part.at;
        if (part.kind == Part::Kind::padding) {
            std::fill_n(bytes, part.size, '\0');
            return;
        }
        auto& entry = m_list.entries[part.entry];
        if (part.kind == Part::Kind::header) {
            tar_header(entry).copy(bytes, part.size, part.offset);
            return;
        }
        worker.reader.read(entry, m_identities[part.entry], part.offset, {bytes, part.size});
        if (const auto hash = m_hashes.add(part.entry, part.offset, {bytes, part.size}))
            entry.hash = *hash; // no other job looks at this entry's hash
    }

    // Whoever brings the frame that is next writes it, and those that follow it.
    void deliver(std::size_t frame, PackedFrame packed) {
        bool is_writer = false;
        m_crew.change([&] {
            m_waiting.emplace(frame, std::move(packed));
            is_writer = !std::exchange(m_has_writer, true);
        });
        PackedFrame next;
        while (is_writer) {
            m_crew.change([&] { is_writer = take_next(next); });
            if (!is_writer)
                break;
            m_writer.add_frame(next.bytes, next.unpacked, next.hash);
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
        return true;
    }

    const Build& m_build;
    FileList& m_list;
    const std::vector<Identity>& m_identities;
    SlugWriter& m_writer;
    const PackOptions& m_options;
    std::vector<Extent> m_extents;
    std::vector<Span> m_plan;
    Crew m_crew;
    ContentHashes m_hashes;
    std::vector<std::unique_ptr<Worker>> m_workers;
    std::size_t m_in_flight = std::size_t{2} * m_crew.workers() + 2;
    std::uint64_t m_done = 0; // the writer's
    // Under the crew's lock:
    std::map<std::size_t, PackedFrame> m_waiting;
    std::size_t m_written = 0;
    bool m_has_writer = false;
};

Walked walk_build(const Build& build, const Store& store, const PackOptions& options) {
    WalkOptions walk_options;
    walk_options.rules.add(".git\n.hg\n.svn\n"); // a rule "!.git" takes it back
    if (const auto rules = build.read_file(".slugignore"))
        walk_options.rules.add(*rules);
    walk_options.leave_out = {options.leave_out.begin(), options.leave_out.end()};
    struct stat status {};
    if (::stat(store.folder().c_str(), &status) == 0)
        walk_options.forbidden = identity_of(status);
    auto walked = walk(build.fd(), build.name(), walk_options);
    const auto& entries = walked.list.entries;
    if (std::none_of(entries.begin(), entries.end(),
                     [](const Entry& e) { return e.type != Type::folder; }))
        throw Error(fmt::format("the build '{}' is empty", printable(build.name())))
            .advise(walked.left_out > 0 ? "look into .slugignore: it may leave out too much"
                                        : "name the folder that holds the app's files");
    return walked;
}

// Hard links have the time of their file, which the walk read last for some of them.
void share_times(FileList& list) {
    for (auto& entry : list.entries)
        if (entry.type == Type::hard_link)
            entry.mtime = list.find(entry.target)->mtime;
}

// Whether the stored archive is whole as far as its end and size tell. It is the same list then, or
// two lists have one hash.
bool is_stored_whole(const Store& store, const SlugId& id, const std::string& text) {
    try {
        const SlugFile stored(store.path_of(id));
        if (stored.list_text() == text)
            return true;
        require_id(stored, id);
    } catch (const Error& error) {
        if (error.outcome() != Outcome::corrupt)
            throw;
        return false; // written again
    }
    throw Error(
        fmt::format(
            "another slug has the id {} of this build: somebody made one of them on purpose",
            id.text()),
        Outcome::corrupt);
}

} // namespace

Packed pack(const Build& build, const Store& store, const PackOptions& options) {
    return while_doing(fmt::format("packing '{}'", printable(build.name())), [&] {
        options.progress.begin_phase("packing");
        auto walked = walk_build(build, store, options);
        share_times(walked.list);
        SlugWriter writer(store.folder(), options.level);
        Packing(build, walked, writer, options).run();

        const auto text = walked.list.text();
        Packed packed{id_of_text(text), {},   0, walked.list.unpacked(), walked.list.files(),
                      walked.left_out,  false};
        if (!options.anew && store.has(packed.id) && is_stored_whole(store, packed.id, text)) {
            const auto recorded =
                options.recorded_sha256 ? options.recorded_sha256(packed.id) : std::nullopt;
            packed.sha256 = recorded ? *recorded : store.sha256_of(packed.id);
            packed.size = store.size_of(packed.id);
            packed.stored_already = true;
            return packed;
        }
        if (options.dry_run) {
            packed.size = writer.size();
            return packed;
        }
        packed.sha256 = writer.finish(walked.list, text);
        packed.size = writer.size();
        writer.publish(store.path_of(packed.id));
        return packed;
    });
}

} // namespace shipit::slug

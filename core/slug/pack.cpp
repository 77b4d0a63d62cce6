#include "core/slug/pack.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/slug/hash_files.hpp"
#include "core/slug/packing.hpp"
#include "core/slug/slug_check.hpp"
#include "core/slug/slug_file.hpp"
#include "core/slug/slug_writer.hpp"
#include "core/slug/stat_cache.hpp"

#include <algorithm>
#include <memory>

#include <fmt/core.h>
#include <sys/stat.h>

namespace shipit::slug {

namespace {

Walked walk_build(const Build& build, const Store& store, const PackOptions& options) {
    WalkOptions walk_options;
    walk_options.rules.add(".git\n.hg\n.svn\n"); // a rule "!.git" takes it back
    if (const auto rules = build.read_file(".slugignore"))
        walk_options.rules.add(*rules);
    // What the release is run by, as it was deployed by: shipit reads them in its tree, later on.
    walk_options.beyond_rules = {"shipit.toml", "Procfile"};
    walk_options.leave_out = {options.leave_out.begin(), options.leave_out.end()};
    walk_options.threads = options.threads;
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
        if (SlugFile::has_list(store.path_of(id), text))
            return true;
        require_id(SlugFile(store.path_of(id)), id);
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

// The steps of one try; a second one follows only if the stat cache was wrong.
class Pack {
  public:
    Pack(const Build& build, const Store& store, const PackOptions& options)
        : m_build(build), m_store(store), m_options(options), m_crew(options.threads) {}

    Packed run(StatCache cache) {
        m_looked_at = StatCache::now();
        m_draft.walked = walk_build(m_build, m_store, m_options);
        share_times(m_draft.walked.list);
        take_hashes(cache);
        cache = {}; // its memory is needed
        if (all_hashed())
            if (const auto stored = stored_already())
                return *stored;
        open_earlier();
        if (m_earlier) {
            hash_alike();
            m_earlier->carry_times(m_draft.walked.list);
            share_times(m_draft.walked.list);
            if (all_hashed())
                if (const auto stored = stored_already())
                    return *stored;
        }
        return write();
    }

  private:
    void take_hashes(const StatCache& cache) {
        auto& entries = m_draft.walked.list.entries;
        m_draft.is_hashed.resize(entries.size());
        for (std::size_t i = 0; i < entries.size(); i++) {
            m_draft.is_hashed[i] = entries[i].type != Type::file || entries[i].size == 0 ? 1 : 0;
            if (m_draft.is_hashed[i] != 0)
                continue;
            if (const auto hash = cache.find(m_draft.walked.identities[i])) {
                entries[i].hash = *hash;
                m_draft.is_hashed[i] = 1;
                m_from_cache++;
            }
        }
    }

    [[nodiscard]] bool all_hashed() const {
        return std::all_of(m_draft.is_hashed.begin(), m_draft.is_hashed.end(),
                           [](char is_hashed) { return is_hashed != 0; });
    }

    // The list is final.
    std::optional<Packed> stored_already() {
        const auto text = m_draft.walked.list.text();
        const auto id = id_of_text(text);
        if (m_options.anew || !m_store.has(id) || !is_stored_whole(m_store, id, text))
            return std::nullopt;
        return stored(id);
    }

    Packed stored(const SlugId& id) {
        const auto recorded =
            m_options.recorded_sha256 ? m_options.recorded_sha256(id) : std::nullopt;
        auto packed = described(id);
        packed.sha256 = recorded ? *recorded : m_store.sha256_of(id);
        packed.size = m_store.size_of(id);
        packed.stored_already = true;
        save_cache();
        return packed;
    }

    [[nodiscard]] Packed described(const SlugId& id) const {
        const auto& walked = m_draft.walked;
        Packed packed{id, {}, 0, walked.list.unpacked(), walked.list.files()};
        packed.left_out = walked.left_out;
        return packed;
    }

    void open_earlier() {
        if (!m_options.earlier || m_options.anew || !m_store.has(*m_options.earlier))
            return;
        try {
            m_earlier.emplace(m_store.path_of(*m_options.earlier));
        } catch (const Error& error) {
            m_options.progress.warn_of(error.why() + "; nothing is taken from it");
        }
    }

    // What is not like it was has changed, and is hashed when it is packed.
    void hash_alike() {
        auto wanted = m_earlier->alike(m_draft.walked.list);
        std::erase_if(wanted, [&](std::size_t i) { return m_draft.is_hashed[i] != 0; });
        hash_files({m_build.fd(), m_build.name()}, m_draft.walked, wanted, m_crew, {});
        for (const auto index : wanted)
            m_draft.is_hashed[index] = 1;
    }

    Packed write() {
        if (m_options.before_writing && !m_options.dry_run)
            m_options.before_writing(
                {m_draft.walked.list.unpacked(), m_draft.walked.list.entries.size()});
        SlugWriter writer(m_store.folder(), m_options.level);
        const PackingOptions packing{m_options.level, m_options.cut,
                                     m_earlier ? &*m_earlier : nullptr, m_options.progress};
        const auto reused = pack_frames(m_build, m_draft, writer, m_crew, packing);
        const auto text = m_draft.walked.list.text();
        const auto id = id_of_text(text);
        if (!m_options.anew && m_store.has(id) && is_stored_whole(m_store, id, text))
            return stored(id);
        auto packed = described(id);
        packed.reused_frames = reused.frames;
        packed.reused_bytes = reused.bytes;
        if (!m_options.dry_run)
            packed.sha256 = writer.finish(m_draft.walked.list, text);
        packed.size = writer.size();
        if (m_options.dry_run)
            return packed;
        packed.replaced = m_store.has(id);
        writer.publish(m_store.path_of(id));
        save_cache();
        return packed;
    }

    // An aid for the next time: failing to write it is no failure of this one.
    void save_cache() {
        const auto& walked = m_draft.walked;
        const auto files = std::count_if(
            walked.list.entries.begin(), walked.list.entries.end(),
            [](const Entry& entry) { return entry.type == Type::file && entry.size != 0; });
        if (m_options.stat_cache.empty() || m_options.dry_run || m_from_cache == files)
            return;
        StatCache cache;
        for (std::size_t i = 0; i < walked.list.entries.size(); i++)
            if (walked.list.entries[i].type == Type::file && walked.list.entries[i].size != 0)
                cache.add(walked.identities[i], walked.list.entries[i].hash, m_looked_at);
        try {
            cache.save(m_options.stat_cache, StatCache::now());
        } catch (const Error& error) {
            m_options.progress.warn_of(error.why() + ", ignoring");
        }
    }

    const Build& m_build;
    const Store& m_store;
    const PackOptions& m_options;
    Crew m_crew;
    Draft m_draft;
    StatCache::Time m_looked_at{};
    std::ptrdiff_t m_from_cache = 0;
    std::optional<EarlierSlug> m_earlier;
};

StatCache known_files(const PackOptions& options) {
    if (options.stat_cache.empty() || options.anew)
        return {};
    try {
        return StatCache::load(options.stat_cache, StatCache::now());
    } catch (const Error& error) {
        options.progress.warn_of(error.why() + ", ignoring");
        return {};
    }
}

} // namespace

Packed pack(const Build& build, const Store& store, const PackOptions& options) {
    return while_doing(fmt::format("packing '{}'", printable(build.name())), [&] {
        options.progress.begin_phase("packing");
        try {
            return Pack(build, store, options).run(known_files(options));
        } catch (const StaleCache&) {
            return Pack(build, store, options).run({});
        }
    });
}

} // namespace shipit::slug

#include "core/slug/hash_files.hpp"

#include "core/slug/content_reader.hpp"

#include <atomic>
#include <memory>

namespace shipit::slug {

void hash_files(const WalkedRoot& root, Walked& walked, const std::vector<std::size_t>& wanted,
                Crew& crew, const Progress& progress) {
    std::vector<std::unique_ptr<ContentReader>> readers(crew.workers());
    std::uint64_t total = 0;
    for (const auto index : wanted)
        total += walked.list.entries[index].size;
    std::atomic<std::uint64_t> done = 0;
    crew.run(wanted.size(), [&](unsigned worker, std::size_t job) {
        auto& reader = readers[worker];
        if (!reader)
            reader = std::make_unique<ContentReader>(root.fd, root.shown);
        auto& entry = walked.list.entries[wanted[job]];
        try {
            entry.hash = reader->hash(entry, walked.identities[wanted[job]]);
        } catch (const ChangedMeanwhile&) {
            if (root.changed == IfChanged::is_refused)
                throw;
        }
        progress.advance_to(done += entry.size, total);
    });
}

} // namespace shipit::slug

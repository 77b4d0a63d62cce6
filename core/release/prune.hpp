// Removing what retention lets go: slugs and trees, never manifests or transcripts.
//
// Under the app's lock, and not between packing a slug and Ledger::begin: a slug that no manifest
// refers to goes. Trees, which are caches, go first, by way of a trash name; then manifests are
// marked, and slugs go after that: a prune that is killed leaves nothing that claims to be whole
// and is not, and the next one goes on where it stopped. What cannot be removed is a warning.
#pragma once

#include "core/base/progress.hpp"
#include "core/release/ledger.hpp"

#include <vector>

namespace shipit::release {

struct PrunePlan {
    std::vector<Expiry> expiring;    // oldest first
    std::vector<Manifest> manifests; // of these
    std::vector<SlugId> slugs;       // archives that no kept release refers to
    std::vector<SlugId> trees;       // unpacked slugs that no kept release refers to
    std::uint64_t frees = 0;         // bytes of the archives; trees come on top
    // Why less is removed than could be; for people.
    std::vector<std::string> warnings;

    [[nodiscard]] bool is_empty() const {
        return expiring.empty() && slugs.empty() && trees.empty();
    }
};

// Changes nothing: `prune --dry-run` shows it. Releases stay from whose trees somebody runs a
// command: he holds the slug (sys::hold), since the app could open the tree. A manifest that cannot
// be read might refer to any slug, so that nothing but trees goes while there is one.
[[nodiscard]] PrunePlan plan_prune(const Ledger& ledger, const Marks& marks,
                                   const Retention& retention,
                                   const std::vector<ReleaseNumber>& warm = {});

struct PruneResult {
    std::uint64_t freed = 0; // bytes of the archives that are gone
    std::size_t slugs = 0;
    std::size_t trees = 0;
    std::size_t failures = 0; // each of them told of by a warning
};

// `who` and `address` are for events.jsonl, which gets a line for each release that expires.
struct Pruner {
    std::string who;
    std::string address;
};

// Throws only before any slug is removed (a manifest cannot be written); all else is a warning.
PruneResult prune(const Ledger& ledger, const PrunePlan& plan, const Pruner& pruner,
                  const Progress& progress);

} // namespace shipit::release

#include "core/release/prune.hpp"

#include "core/base/error.hpp"
#include "core/release/events.hpp"
#include "core/sys/batch.hpp"
#include "core/sys/clock.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include <fmt/core.h>
#include <sys/stat.h>

namespace shipit::release {

namespace {

std::uint64_t size_on_disk(const Path& file) {
    struct stat status {};
    return ::lstat(file.c_str(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

// Those from which somebody runs a command (`shipit run`).
std::set<SlugId> held_trees(const Layout& layout) {
    std::set<SlugId> held;
    for (const std::string& name : sys::names_in_if_any(layout.trees()))
        if (const auto slug = tree_in(name); slug && sys::is_held(layout.slug(*slug)))
            held.insert(*slug);
    return held;
}

// Slugs of releases that stay, and whatever trees are run from.
std::set<SlugId> slugs_in_use(const Ledger& ledger, Facts facts,
                              const std::vector<Expiry>& expiring, const Running& running) {
    std::set<ReleaseNumber> going;
    for (const Expiry& expiry : expiring)
        going.insert(expiry.number);
    std::set<SlugId> in_use;
    for (const Fact& fact : facts)
        if (fact.slug && fact.status != Status::expired && !going.contains(fact.number))
            in_use.insert(*fact.slug);
    auto numbers = running.warm;
    if (running.live)
        numbers.push_back(*running.live);
    for (const ReleaseNumber number : numbers)
        if (const auto tree = ledger.tree_of(number))
            in_use.insert(*tree);
    return in_use;
}

std::vector<SlugId> unused_slugs(const Layout& layout, const std::set<SlugId>& in_use) {
    std::vector<SlugId> unused;
    for (const std::string& name : sys::names_in_if_any(layout.releases()))
        if (const auto slug = slug_in(name); slug && !in_use.contains(*slug))
            unused.push_back(*slug);
    return unused;
}

std::vector<SlugId> unused_trees(const Layout& layout, const std::set<SlugId>& in_use) {
    std::set<SlugId> unused; // "ID" and "ID.stamp" are one
    for (const std::string& name : sys::names_in_if_any(layout.trees()))
        if (const auto slug = tree_in(name); slug && !in_use.contains(*slug))
            unused.insert(*slug);
    return {unused.begin(), unused.end()};
}

// Both in the order of numbers, but `entries` newest first.
std::vector<Manifest> manifests_of(const std::vector<Expiry>& expiring,
                                   std::vector<Entry> entries) {
    std::vector<Manifest> manifests;
    manifests.reserve(expiring.size());
    auto entry = entries.rbegin();
    for (const Expiry& expiry : expiring) {
        while (entry->number != expiry.number)
            ++entry;
        manifests.push_back(std::move(entry->manifest).value());
    }
    return manifests;
}

class Pruning {
  public:
    Pruning(const Ledger& ledger, const Progress& progress)
        : m_ledger(ledger), m_progress(progress) {}

    void record(const PrunePlan& plan, const Pruner& pruner) {
        // So many at once that flushing them takes no longer than writing them.
        constexpr std::size_t batch = 1000;
        for (std::size_t done = 0; done < plan.expiring.size(); done += batch)
            record_batch(plan, done, std::min(done + batch, plan.expiring.size()), pruner);
    }

    void remove_slug(const SlugId& slug) {
        const Path file = m_ledger.layout().slug(slug);
        const std::uint64_t size = size_on_disk(file);
        attempt([&] {
            if (sys::remove_file(file)) {
                m_result.freed += size;
                ++m_result.slugs;
            }
        });
    }

    void remove_links(const std::vector<Expiry>& expiring) {
        for (const Expiry& expiry : expiring)
            attempt([&] {
                if (const auto tree = m_ledger.tree_of(expiry.number);
                    tree && !sys::is_there(m_ledger.layout().tree(*tree)))
                    (void)sys::remove_file(m_ledger.layout().release_link(expiry.number));
            });
    }

    // Away with their stamps and their names first, and that for good: nothing that says it is
    // whole is ever not.
    void discard_trees(const std::vector<SlugId>& slugs) {
        std::vector<Path> discarded;
        for (const SlugId& slug : slugs)
            attempt([&] {
                if (const auto trash = discard_tree(slug))
                    discarded.push_back(*trash);
            });
        if (discarded.empty())
            return;
        if (!attempt([&] { sys::flush_folder(m_ledger.layout().trees()); }))
            return sys::note_leftover(); // what is called trash goes with the next command
        for (const Path& trash : discarded) {
            if (attempt([&] { sys::remove_tree(trash); }))
                ++m_result.trees;
            m_progress.advance_to(m_result.trees, discarded.size());
        }
    }

    void flush() {
        attempt([&] { sys::flush_folder(m_ledger.layout().releases()); });
    }

    [[nodiscard]] PruneResult result() const { return m_result; }

  private:
    void record_batch(const PrunePlan& plan, std::size_t begin, std::size_t end,
                      const Pruner& pruner) {
        const WallTime now = sys::now();
        std::vector<sys::FileContent> manifests;
        std::vector<Event> events;
        for (std::size_t i = begin; i < end; ++i) {
            const Expiry& expiry = plan.expiring[i];
            Manifest manifest = plan.manifests[i];
            if (manifest.status == Status::succeeded)
                manifest.status = Status::expired;
            manifest.evidence.expired_at = now;
            manifest.deployer.reset(); // as Ledger::save has it
            manifests.push_back({m_ledger.layout().manifest(expiry.number), written(manifest)});
            events.push_back({.event = "prune",
                              .app = m_ledger.layout().app.text(),
                              .release = expiry.number,
                              .user = pruner.who,
                              .address = pruner.address,
                              .at = now,
                              .result = "expired",
                              .detail = expiry.why});
        }
        constexpr mode_t private_manifest = 0600;
        sys::replace_all_durably(m_ledger.layout().releases(), manifests, private_manifest);
        attempt([&] { append_events(m_ledger.layout().events(), events); });
    }

    // The name that it has now; nothing if there was no tree, or somebody has begun to run from it.
    // Not durable.
    [[nodiscard]] std::optional<Path> discard_tree(const SlugId& slug) const {
        const Path tree = m_ledger.layout().tree(slug);
        const auto alone = sys::hold_alone(m_ledger.layout().slug(slug));
        if (!alone && sys::is_there(m_ledger.layout().slug(slug)))
            return std::nullopt;
        Path trash = m_ledger.layout().trees() / (".trash-" + slug.text());
        (void)sys::remove_file(m_ledger.layout().tree_stamp(slug));
        if (!sys::is_there(tree))
            return std::nullopt;
        if (sys::is_there(trash)) // of an earlier prune that was killed
            sys::remove_tree(trash);
        sys::rename(tree, trash);
        return trash;
    }

    // Whether it could be done; if not, that is a warning.
    template <class Action>
    bool attempt(Action&& action) {
        try {
            action();
            return true;
        } catch (const Error& error) {
            m_progress.warn_of(error.why() + ", ignoring");
            ++m_result.failures;
            return false;
        }
    }

    const Ledger& m_ledger;
    const Progress& m_progress;
    PruneResult m_result;
};

} // namespace

PrunePlan plan_prune(const Ledger& ledger, const Marks& marks, const Retention& retention,
                     const std::vector<ReleaseNumber>& warm) {
    Running running{ledger.current(), warm}; // throws rather than to guess what is live
    std::vector<Entry> entries = ledger.newest(Ledger::all);
    const auto facts = ledger.facts(marks, entries);
    const auto held = held_trees(ledger.layout());
    for (const Fact& fact : facts)
        if (fact.slug && held.contains(*fact.slug))
            running.warm.push_back(fact.number);
    PrunePlan plan;
    for (const Fact& fact : facts)
        if (!fact.readable)
            plan.warnings.push_back(
                fmt::format("{}; no slug is removed while it cannot be read", fact.why));
    const bool knows_all = plan.warnings.empty();
    if (knows_all)
        plan.expiring = expiring(facts, retention, running, sys::now());
    plan.manifests = manifests_of(plan.expiring, std::move(entries));
    auto in_use = slugs_in_use(ledger, facts, plan.expiring, running);
    in_use.insert(held.begin(), held.end());
    if (knows_all)
        plan.slugs = unused_slugs(ledger.layout(), in_use);
    for (const SlugId& slug : plan.slugs)
        plan.frees += size_on_disk(ledger.layout().slug(slug));
    plan.trees = unused_trees(ledger.layout(), in_use);
    return plan;
}

PruneResult prune(const Ledger& ledger, const PrunePlan& plan, const Pruner& pruner,
                  const Progress& progress) {
    for (const std::string& warning : plan.warnings)
        progress.warn_of(warning);
    Pruning pruning(ledger, progress);
    // Trees are caches. They go first, since on a full disk there is room for records only then.
    pruning.discard_trees(plan.trees);
    pruning.record(plan, pruner);
    std::uint64_t done = 0;
    for (const SlugId& slug : plan.slugs) {
        pruning.remove_slug(slug);
        progress.advance_to(++done, plan.slugs.size());
    }
    pruning.remove_links(plan.expiring);
    pruning.flush();
    PruneResult result = pruning.result();
    result.failures += plan.warnings.size(); // for each of which nothing may go: cron should tell
    return result;
}

} // namespace shipit::release

// Ledger::facts(): what choice.hpp needs to know, gathered.
#include "core/base/error.hpp"
#include "core/release/ledger.hpp"
#include "core/sys/batch.hpp"

#include <algorithm>
#include <functional>
#include <set>

#include <fmt/core.h>

namespace shipit::release {

namespace {

// Not stored anywhere, so std::hash will do; 0 is kept for "unknown".
std::uint64_t hash_of(const std::string& text) {
    return std::max<std::uint64_t>(1, std::hash<std::string>{}(text));
}

std::string text_of(const ConfigVars& vars) {
    std::string text;
    for (const auto& [name, value] : vars)
        text += fmt::format("{}:{}{}:{}", name.size(), name, value.size(), value);
    return text;
}

// What is there beside the manifests. For a few releases each name is looked up; for all of them
// each folder is read once.
class Surroundings {
  public:
    Surroundings(const Layout& layout, const Marks& marks, bool of_all)
        : m_layout(layout), m_marks(marks), m_is_listed(of_all) {
        if (!of_all)
            return;
        for (const MarkKind kind : mark_kinds)
            m_marked[static_cast<std::size_t>(kind)] = marks.all(kind);
        sys::for_each_name_in(layout.releases(), [this](std::string_view name) {
            if (const auto slug = slug_in(name))
                m_slugs.insert(*slug);
        });
    }

    [[nodiscard]] bool is_marked(MarkKind kind, ReleaseNumber number) const {
        return m_is_listed ? m_marked[static_cast<std::size_t>(kind)].contains(number)
                           : m_marks.has(kind, number);
    }
    [[nodiscard]] bool has_slug(const SlugId& id) const {
        return m_is_listed ? m_slugs.contains(id) : sys::is_there(m_layout.slug(id));
    }
    [[nodiscard]] std::string why_bad(ReleaseNumber number) const {
        return m_marks.get(MarkKind::bad, number).value_or(Mark{}).why;
    }

  private:
    const Layout& m_layout;
    const Marks& m_marks;
    bool m_is_listed;
    std::set<ReleaseNumber> m_marked[mark_kinds.size()];
    std::set<SlugId> m_slugs;
};

Fact fact_of(const Entry& entry, const Surroundings& around) {
    Fact fact{.number = entry.number};
    fact.good = around.is_marked(MarkKind::good, entry.number);
    fact.bad = around.is_marked(MarkKind::bad, entry.number);
    fact.pinned = around.is_marked(MarkKind::pin, entry.number);
    fact.is_barrier = around.is_marked(MarkKind::barrier, entry.number);
    fact.readable = entry.manifest.has_value();
    if (!entry.manifest) {
        fact.why = entry.complaint;
        return fact;
    }
    const Manifest& manifest = *entry.manifest;
    fact.status = manifest.status;
    fact.was_live = manifest.evidence.live_at.has_value();
    if (manifest.slug && !(manifest.status == Status::failed && manifest.evidence.expired_at)) {
        fact.slug = manifest.slug->id;
        fact.slug_there = around.has_slug(manifest.slug->id);
        fact.slug_size = manifest.slug->size;
    }
    fact.rollback_of = manifest.rollback_of;
    fact.created_at = manifest.created_at;
    fact.config_of = manifest.config_of;
    fact.is_undo = manifest.is_undo;
    const std::string config = text_of(manifest.config);
    fact.config = hash_of(config);
    if (manifest.slug)
        fact.content = hash_of(manifest.slug->id.text() + config);
    fact.why = fact.bad ? around.why_bad(entry.number) : manifest.evidence.why_failed;
    return fact;
}

Fact fact_of(ReleaseNumber number, const Glance& glance, const Surroundings& around) {
    Fact fact{.number = number};
    fact.status = glance.status;
    fact.bad = around.is_marked(MarkKind::bad, number);
    fact.is_barrier = around.is_marked(MarkKind::barrier, number);
    fact.rollback_of = glance.rollback_of;
    fact.why = fact.bad ? around.why_bad(number) : glance.why_failed;
    return fact;
}

// Config vars outlive their slug.
bool is_hopeless(const Glance& glance, Restores what) {
    return glance.status != Status::expired || what != Restores::config;
}

// Beyond that, to read each folder once is faster than to look each name up.
constexpr std::size_t few = 256;

} // namespace

std::vector<Fact> Ledger::facts(const Marks& marks, std::size_t limit) const {
    return facts(marks, newest(limit));
}

std::vector<Fact> Ledger::facts(const Marks& marks, const std::vector<Entry>& entries) const {
    const Surroundings around(m_layout, marks, entries.size() > few);
    std::vector<Fact> facts;
    facts.reserve(entries.size());
    for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry)
        facts.push_back(fact_of(*entry, around));
    return facts;
}

std::vector<Fact> Ledger::facts_for_rollback(const Marks& marks, Restores what,
                                             std::size_t limit) const {
    auto numbers = newest_numbers(limit);
    std::reverse(numbers.begin(), numbers.end());
    const Surroundings around(m_layout, marks, numbers.size() > few);
    std::vector<Fact> facts;
    facts.reserve(numbers.size());
    for (const ReleaseNumber number : numbers)
        try {
            const std::string text = text_of(number);
            const auto glance = glance_at(text, number);
            facts.push_back(
                glance && is_hopeless(*glance, what)
                    ? fact_of(number, *glance, around)
                    : fact_of({number, as_it_stands(parsed(number, text)), ""}, around));
        } catch (const Error& error) {
            facts.push_back(fact_of({number, std::nullopt, error.why()}, around));
        }
    return facts;
}

Eligibility Ledger::eligibility(const Marks& marks, ReleaseNumber number, Restores what) const {
    std::vector<Fact> facts{fact_of(entry_of(number), Surroundings(m_layout, marks, false))};
    for (const ReleaseNumber barrier : marks.barriers_after(number)) {
        facts.push_back(Fact{.number = barrier});
        facts.back().is_barrier = true;
    }
    return release::eligibility(facts, number, current(), what);
}

namespace {

// `choose` over as much of the history, `gather` gives so many of the newest, as it takes.
template <class Gather, class Choose>
Choice choice_of(const Gather& gather, const Choose& choose) {
    constexpr std::size_t most_often_enough = 16;
    constexpr std::size_t nearly_always_enough = few;
    constexpr std::size_t most = 4096;
    for (const std::size_t limit : {most_often_enough, nearly_always_enough, most}) {
        const std::vector<Fact> facts = gather(limit);
        auto choice = choose(facts);
        if (facts.size() < limit || choice.is_settled)
            return choice;
    }
    return choose(gather(Ledger::all));
}

} // namespace

Choice choose_rollback(const Ledger& ledger, const Marks& marks, Restores what) {
    const auto live = ledger.current();
    return choice_of(
        [&](std::size_t limit) { return ledger.facts_for_rollback(marks, what, limit); },
        [&](Facts facts) { return rollback_target(facts, live, what); });
}

Choice choose_undo(const Ledger& ledger, const Marks& marks, ReleaseNumber live) {
    return choice_of([&](std::size_t limit) { return ledger.facts(marks, limit); },
                     [&](Facts facts) { return undo_target(facts, live); });
}

} // namespace shipit::release

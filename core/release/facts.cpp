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

} // namespace

// What is there beside the manifests. For a few releases each name is looked up; for all of them
// each folder is read once, and to search through them, each but that slugs are looked up: few of
// them matter.
class Surroundings {
  public:
    enum class Of { few, all, search };

    Surroundings(const Layout& layout, const Marks& marks, Of which)
        : m_layout(layout), m_marks(marks), m_of(which) {
        if (which == Of::few)
            return;
        for (const MarkKind kind : mark_kinds)
            m_marked[static_cast<std::size_t>(kind)] = marks.all(kind);
        const auto held = marks.held_slugs();
        m_held.insert(held.begin(), held.end());
        sys::for_each_name_in(layout.releases(), [this](std::string_view name) { take(name); });
        std::sort(m_numbers.begin(), m_numbers.end());
        std::sort(m_linked.begin(), m_linked.end());
    }

    [[nodiscard]] bool is_marked(MarkKind kind, ReleaseNumber number) const {
        return m_of != Of::few ? m_marked[static_cast<std::size_t>(kind)].contains(number)
                               : m_marks.has(kind, number);
    }
    [[nodiscard]] bool has_slug(const SlugId& id) const {
        return m_of == Of::all ? m_slugs.contains(id) : sys::is_there(m_layout.slug(id));
    }
    [[nodiscard]] std::optional<std::string> why_held(const SlugId& id) const {
        if (m_of != Of::few && !m_held.contains(id))
            return std::nullopt;
        const auto mark = m_marks.hold_on(id);
        return mark ? std::optional(mark->why) : std::nullopt;
    }
    [[nodiscard]] std::string why_bad(ReleaseNumber number) const {
        return m_marks.get(MarkKind::bad, number).value_or(Mark{}).why;
    }

    // --- Where each folder is read ---

    [[nodiscard]] const std::vector<ReleaseNumber>& numbers() const { return m_numbers; } // sorted
    // What was ever live has its link, for as long as it has its slug.
    [[nodiscard]] bool may_come_back(ReleaseNumber number) const {
        return std::binary_search(m_linked.begin(), m_linked.end(), number) ||
               is_marked(MarkKind::good, number);
    }

  private:
    void take(std::string_view name) {
        if (const auto number = manifest_number(name))
            m_numbers.push_back(*number);
        else if (const auto link = link_number(name))
            m_linked.push_back(*link);
        else if (m_of == Of::all)
            if (const auto slug = slug_in(name))
                m_slugs.insert(*slug);
    }

    const Layout& m_layout;
    const Marks& m_marks;
    Of m_of;
    std::set<ReleaseNumber> m_marked[mark_kinds.size()];
    std::set<SlugId> m_slugs;
    std::set<SlugId> m_held;
    std::vector<ReleaseNumber> m_linked; // sorted
    std::vector<ReleaseNumber> m_numbers;
};

namespace {

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
    fact.is_files_only = manifest.spec.processes.empty();
    if (manifest.slug && !(manifest.status == Status::failed && manifest.evidence.expired_at)) {
        fact.slug = manifest.slug->id;
        fact.slug_there = around.has_slug(manifest.slug->id);
        fact.slug_size = manifest.slug->size;
        fact.held = around.why_held(manifest.slug->id);
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
    const bool is_long = entries.size() > few;
    const Surroundings around(m_layout, marks,
                              is_long ? Surroundings::Of::all : Surroundings::Of::few);
    std::vector<Fact> facts;
    facts.reserve(entries.size());
    for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry)
        facts.push_back(fact_of(*entry, around));
    return facts;
}

Fact Ledger::fact_for_rollback(ReleaseNumber number, const Surroundings& around,
                               Restores what) const {
    try {
        const std::string text = text_of(number);
        const auto glance = glance_at(text, number);
        if (glance && is_hopeless(*glance, what))
            return fact_of(number, *glance, around);
        return fact_of({number, as_it_stands(parsed(number, text)), ""}, around);
    } catch (const Error& error) {
        return fact_of({number, std::nullopt, error.why()}, around);
    }
}

std::vector<Fact> Ledger::facts_for_rollback(const Marks& marks, Restores what,
                                             std::size_t limit) const {
    const Surroundings around(m_layout, marks, Surroundings::Of::few);
    std::vector<Fact> facts;
    for (const ReleaseNumber number : newest_numbers(limit))
        facts.push_back(fact_for_rollback(number, around, what));
    std::reverse(facts.begin(), facts.end());
    return facts;
}

Eligibility Ledger::eligibility(const Marks& marks, ReleaseNumber number, Restores what) const {
    std::vector<Fact> facts{
        fact_of(entry_of(number), Surroundings(m_layout, marks, Surroundings::Of::few))};
    for (const ReleaseNumber barrier : marks.barriers_after(number)) {
        facts.push_back(Fact{.number = barrier});
        facts.back().is_barrier = true;
    }
    return release::eligibility(facts, number, current(), what);
}

namespace {

constexpr std::size_t most_often_enough = 16;

// A past of thousands, most of which has failed or is pruned: what may be gone back to is read, and
// of the rest no more than is to be told.
class LongSearch {
  public:
    LongSearch(const Ledger& ledger, const Marks& marks, Restores what)
        : m_ledger(ledger), m_around(ledger.layout(), marks, Surroundings::Of::search),
          m_live(ledger.current()), m_what(what) {}

    Choice run(std::size_t reasons) {
        Choice choice;
        for (const std::size_t most : {few, Ledger::all}) {
            gather(most);
            choice = rollback_target(m_facts, m_live, m_what);
            if (choice.is_settled)
                break;
        }
        return with_reasons(std::move(choice), reasons);
    }

  private:
    [[nodiscard]] Fact read(ReleaseNumber number) const {
        return m_ledger.fact_for_rollback(number, m_around, m_what);
    }

    // Of the newest part that has so many that may come back. Config vars may come back from any.
    void gather(std::size_t most) {
        m_facts.clear();
        const auto& numbers = m_around.numbers();
        std::size_t count = 0;
        for (auto number = numbers.rbegin(); number != numbers.rend() && count < most; ++number)
            if (m_what == Restores::config || m_around.may_come_back(*number)) {
                m_facts.push_back(read(*number));
                ++count;
            } else {
                m_facts.push_back(Fact{.number = *number});
                m_facts.back().is_read = false;
            }
        std::reverse(m_facts.begin(), m_facts.end());
    }

    Choice with_reasons(Choice choice, std::size_t reasons) {
        bool has_read = false;
        for (std::size_t i = 0; i < std::min(reasons, choice.skipped.size()); ++i) {
            const auto fact = std::lower_bound(
                m_facts.begin(), m_facts.end(), choice.skipped[i].number,
                [](const Fact& each, ReleaseNumber number) { return each.number < number; });
            if (fact->is_read)
                continue;
            *fact = read(fact->number);
            has_read = true;
        }
        return has_read ? rollback_target(m_facts, m_live, m_what) : choice;
    }

    const Ledger& m_ledger;
    const Surroundings m_around;
    const std::optional<ReleaseNumber> m_live;
    const Restores m_what;
    std::vector<Fact> m_facts; // sorted
};

} // namespace

Choice choose_rollback(const Ledger& ledger, const Marks& marks, Restores what,
                       std::size_t reasons) {
    const auto live = ledger.current();
    for (const std::size_t limit : {most_often_enough, few}) {
        const auto facts = ledger.facts_for_rollback(marks, what, limit);
        auto choice = rollback_target(facts, live, what);
        if (facts.size() < limit || choice.is_settled)
            return choice;
    }
    return LongSearch(ledger, marks, what).run(reasons);
}

Choice choose_undo(const Ledger& ledger, const Marks& marks, ReleaseNumber live) {
    for (const std::size_t limit : {most_often_enough, few}) {
        const auto facts = ledger.facts(marks, limit);
        auto choice = undo_target(facts, live);
        if (facts.size() < limit || choice.is_settled)
            return choice;
    }
    return undo_target(ledger.facts(marks), live);
}

} // namespace shipit::release

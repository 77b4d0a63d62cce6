// What expires; the other half of choice.hpp.
#include "core/release/choice.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/core.h>

namespace shipit::release {

namespace {

class Plan {
  public:
    Plan(Facts facts, const Running& running) : m_facts(facts) {
        find_waiting(running);
        protect(running);
        find_ages();
    }

    // Beyond the quotas of good, of waiting and of other releases.
    void limit_number(const Retention& retention) {
        unsigned good = 0;
        unsigned waiting = 0;
        unsigned others = 0;
        for (auto fact = m_facts.rbegin(); fact != m_facts.rend(); ++fact) {
            if (!is_prunable(*fact))
                continue;
            if (waits(*fact)) {
                if (++waiting > retention.keep)
                    expire(*fact, fmt::format("beyond the {} that are kept of those not live yet",
                                              retention.keep));
            } else if (fact->is_good()) {
                if (++good > retention.keep)
                    expire(*fact, fmt::format("beyond the {} good releases that are kept",
                                              retention.keep));
            } else if (++others > retention.keep_failed) {
                expire(*fact, fmt::format("beyond the {} that are kept of those not good",
                                          retention.keep_failed));
            }
        }
    }

    void limit_age(milliseconds age, WallTime now) {
        const WallTime limit = now - age;
        const ReleaseNumber* live_then = nullptr;
        for (const Fact& fact : m_facts)
            if (fact.was_live && m_ages.at(fact.number) <= limit)
                live_then = &fact.number;
        for (const Fact& fact : m_facts)
            if (is_prunable(fact) && m_ages.at(fact.number) < limit &&
                !(live_then != nullptr && fact.number == *live_then))
                expire(fact, fmt::format("older than {}", duration_text(age)));
    }

    // A slug goes with all releases that have it, when the last one's turn has come: without all of
    // them gone, nothing would be freed.
    void limit_size(std::uint64_t most) {
        const std::map<SlugId, unsigned> users = users_of_slugs();
        const std::set<SlugId> kept = slugs_that_stay();
        std::uint64_t total = size_of(users);
        std::map<SlugId, unsigned> had_their_turn;
        for (const bool is_kept_longer : {false, true})
            for (const Fact& fact : m_facts) {
                if (total <= most)
                    return;
                if ((fact.is_good() || waits(fact)) != is_kept_longer || !is_prunable(fact) ||
                    !may_expire(fact) || kept.contains(*fact.slug) ||
                    ++had_their_turn[*fact.slug] < users.at(*fact.slug))
                    continue;
                expire_all_of(*fact.slug, fmt::format("slugs may take {} in all", size_text(most)));
                total -= std::min(total, fact.slug_size);
            }
    }

    std::vector<Expiry> result() const {
        std::vector<Expiry> expiries;
        for (const auto& [number, why] : m_expiring)
            expiries.push_back({number, why});
        return expiries;
    }

  private:
    // What was stored waits unless its build has been live, or one that came after it is.
    void find_waiting(const Running& running) {
        std::set<SlugId> were_live;
        for (const Fact& fact : m_facts)
            if (fact.slug && fact.was_live)
                were_live.insert(*fact.slug);
        const auto live = running.live ? build_of(*running.live) : std::nullopt;
        for (const Fact& fact : m_facts)
            if (fact.is_stored() && !fact.bad && fact.slug && !were_live.contains(*fact.slug) &&
                (!live || fact.number > *live))
                m_waiting.insert(fact.number);
    }

    // The first release of the same slug.
    std::optional<ReleaseNumber> build_of(ReleaseNumber release) const {
        const auto same = std::find_if(m_facts.begin(), m_facts.end(), [release](const Fact& fact) {
            return fact.number == release;
        });
        if (same == m_facts.end() || !same->slug)
            return release;
        return std::find_if(m_facts.begin(), m_facts.end(),
                            [same](const Fact& fact) { return fact.slug == same->slug; })
            ->number;
    }

    bool waits(const Fact& fact) const { return m_waiting.contains(fact.number); }

    void protect(const Running& running) {
        if (running.live)
            m_protected.insert(*running.live);
        m_protected.insert(running.warm.begin(), running.warm.end());
        if (const auto target = rollback_target(m_facts, running.live).target)
            m_protected.insert(*target);
        if (running.live)
            if (const auto target = undo_target(m_facts, *running.live).target)
                m_protected.insert(*target);
        const Fact* last_good = nullptr;
        for (const Fact& fact : m_facts) {
            if (fact.pinned)
                m_protected.insert(fact.number);
            if (fact.is_good() && fact.status == Status::succeeded && fact.slug_there)
                last_good = &fact;
        }
        if (last_good != nullptr)
            m_protected.insert(last_good->number);
        if (!m_waiting.empty())
            m_protected.insert(*m_waiting.rbegin());
    }

    void find_ages() {
        WallTime youngest = WallTime::min();
        for (const Fact& fact : m_facts) {
            youngest = std::max(youngest, fact.created_at);
            m_ages.emplace(fact.number, youngest);
        }
    }

    // There is something to take: a slug, of a release that is done.
    static bool is_prunable(const Fact& fact) {
        return fact.readable && fact.slug && fact.slug_there &&
               (fact.status == Status::succeeded || fact.status == Status::failed);
    }

    bool may_expire(const Fact& fact) const {
        return !m_protected.contains(fact.number) && !m_expiring.contains(fact.number);
    }

    void expire(const Fact& fact, std::string why) {
        if (may_expire(fact))
            m_expiring.emplace(fact.number, std::move(why));
    }

    void expire_all_of(const SlugId& slug, const std::string& why) {
        for (const Fact& fact : m_facts)
            if (fact.slug == slug && is_prunable(fact))
                expire(fact, why);
    }

    std::map<SlugId, unsigned> users_of_slugs() const {
        std::map<SlugId, unsigned> users;
        for (const Fact& fact : m_facts)
            if (fact.slug && fact.slug_there && fact.status != Status::expired &&
                !m_expiring.contains(fact.number))
                ++users[*fact.slug];
        return users;
    }

    // Whatever else happens: some release that is not to expire has them.
    std::set<SlugId> slugs_that_stay() const {
        std::set<SlugId> slugs;
        for (const Fact& fact : m_facts)
            if (fact.slug && fact.slug_there && fact.status != Status::expired &&
                (!is_prunable(fact) || m_protected.contains(fact.number)))
                slugs.insert(*fact.slug);
        return slugs;
    }

    std::uint64_t size_of(const std::map<SlugId, unsigned>& users) const {
        std::map<SlugId, std::uint64_t> sizes;
        for (const Fact& fact : m_facts)
            if (fact.slug && users.contains(*fact.slug))
                sizes[*fact.slug] = fact.slug_size;
        std::uint64_t total = 0;
        for (const auto& [slug, size] : sizes)
            total += size;
        return total;
    }

    Facts m_facts;
    std::set<ReleaseNumber> m_waiting;
    std::set<ReleaseNumber> m_protected;
    std::map<ReleaseNumber, WallTime> m_ages;
    std::map<ReleaseNumber, std::string> m_expiring;
};

} // namespace

std::vector<Expiry> expiring(Facts facts, const Retention& retention, const Running& running,
                             WallTime now) {
    Plan plan(facts, running);
    plan.limit_number(retention);
    if (retention.older_than)
        plan.limit_age(*retention.older_than, now);
    if (retention.max_size)
        plan.limit_size(*retention.max_size);
    return plan.result();
}

} // namespace shipit::release

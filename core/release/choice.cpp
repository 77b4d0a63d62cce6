#include "core/release/choice.hpp"

#include <algorithm>

#include <fmt/core.h>

namespace shipit::release {

namespace {

const Fact* find(Facts facts, ReleaseNumber number) {
    const auto at = std::lower_bound(
        facts.begin(), facts.end(), number,
        [](const Fact& fact, ReleaseNumber wanted) { return fact.number < wanted; });
    return at != facts.end() && at->number == number ? &*at : nullptr;
}

std::string with_reason(const std::string& what, const std::string& why) {
    return why.empty() ? what : fmt::format("{}: {}", what, why);
}

// Why it cannot run again, whatever anybody wants; empty if it can.
std::string obstacle(const Fact& fact) {
    if (!fact.readable)
        return with_reason("its manifest cannot be read", fact.why);
    switch (fact.status) {
    case Status::pending:
        return "is still being deployed";
    case Status::failed:
        return with_reason("failed", fact.why);
    case Status::expired:
        return "its slug was pruned";
    case Status::succeeded:
        break;
    }
    if (!fact.slug)
        return "has config vars only, no code";
    return fact.slug_there ? "" : "its slug is missing";
}

// Why nobody should want it; empty if it is as good as any.
std::string doubt(const Fact& fact) {
    if (fact.bad)
        return with_reason("is marked bad", fact.why);
    return fact.good ? "" : "never stayed up through its watch";
}

// Who goes back to `number` goes across it.
const Fact* barrier_after(Facts facts, ReleaseNumber number) {
    const auto at = std::find_if(facts.begin(), facts.end(), [number](const Fact& fact) {
        return fact.is_barrier && fact.number > number;
    });
    return at != facts.end() ? &*at : nullptr;
}

// Why going back to it is impossible, or would change nothing.
std::string why_no_help(const Fact& fact, const Fact* live) {
    std::string why = obstacle(fact);
    if (why.empty() && live != nullptr && live->content != 0 && fact.content == live->content)
        why = "is the same as what is live";
    return why;
}

} // namespace

ReleaseNumber standing_at(Facts facts, ReleaseNumber number) {
    for (;;) {
        const Fact* fact = find(facts, number);
        if (fact == nullptr || !fact->rollback_of || *fact->rollback_of >= number)
            return number;
        number = *fact->rollback_of;
    }
}

Choice rollback_target(Facts facts, std::optional<ReleaseNumber> live) {
    const Fact* live_fact = live ? find(facts, *live) : nullptr;
    const auto position = live ? std::optional(standing_at(facts, *live)) : std::nullopt;
    Choice choice;
    choice.from = position;
    std::optional<ReleaseNumber> unproven;
    std::size_t skipped_before_unproven = 0;
    for (auto fact = facts.rbegin(); fact != facts.rend(); ++fact) {
        if (position && fact->number >= *position)
            continue;
        const std::string hindrance = why_no_help(*fact, live_fact);
        std::string why = hindrance.empty() ? doubt(*fact) : hindrance;
        if (why.empty()) {
            choice.target = fact->number;
            return choice;
        }
        if (!unproven && hindrance.empty() && !fact->bad && fact->was_live) {
            unproven = fact->number;
            skipped_before_unproven = choice.skipped.size();
        }
        choice.skipped.push_back({fact->number, std::move(why)});
    }
    if (!unproven)
        return choice;
    choice.target = unproven;
    choice.skipped.resize(skipped_before_unproven, {*unproven, ""});
    choice.note = fmt::format(
        "no good release before; {} ran, but never stayed up through its watch", unproven->text());
    return choice;
}

Eligibility eligibility(Facts facts, ReleaseNumber number, std::optional<ReleaseNumber> live) {
    const Fact* fact = find(facts, number);
    if (fact == nullptr)
        return {false, false, "there is no such release"};
    if (number == live)
        return {false, false, "is live"};
    if (auto why = obstacle(*fact); !why.empty())
        return {false, false, std::move(why)};
    if (auto why = doubt(*fact); !why.empty())
        return {true, false, std::move(why)};
    if (const Fact* barrier = barrier_after(facts, number))
        return {true, false,
                fmt::format("is from before {}, which cannot be undone: it takes --force",
                            barrier->number.text())};
    return {true, true, "is good, and its slug is there"};
}

} // namespace shipit::release

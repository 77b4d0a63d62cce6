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

// Why it cannot come back, whatever anybody wants; empty if it can. Config vars outlive their slug.
std::string obstacle(const Fact& fact, Restores what) {
    if (!fact.is_read)
        return "cannot come back";
    if (!fact.readable)
        return with_reason("its manifest cannot be read", fact.why);
    switch (fact.status) {
    case Status::pending:
        return "is still being deployed";
    case Status::failed:
        return with_reason("failed", fact.why);
    case Status::expired:
        if (what != Restores::config)
            return "its slug was pruned";
        break;
    case Status::succeeded:
        break;
    }
    if (what == Restores::config)
        return "";
    if (!fact.slug)
        return "has config vars only, no code";
    return fact.slug_there ? "" : "its slug is missing";
}

// Config vars come back without the build.
bool is_held(const Fact& fact, Restores what) {
    return fact.held && what != Restores::config;
}

// Why nobody should want it; empty if it is as good as any.
std::string doubt(const Fact& fact, Restores what) {
    if (fact.bad)
        return with_reason("is marked bad", fact.why);
    if (is_held(fact, what))
        return with_reason("its build is held", *fact.held);
    if (!fact.was_live)
        return "was never live";
    return fact.good ? "" : "never stayed up through its watch";
}

// Who goes back to `number` goes across it.
const Fact* barrier_after(Facts facts, ReleaseNumber number) {
    const auto at = std::find_if(facts.begin(), facts.end(), [number](const Fact& fact) {
        return fact.is_barrier && fact.number > number;
    });
    return at != facts.end() ? &*at : nullptr;
}

// What of it would come back and is live already; null: nothing.
const char* sameness(const Fact& fact, const Fact& live, Restores what) {
    if (what == Restores::code)
        return fact.slug && fact.slug == live.slug ? "has the files that are live" : nullptr;
    if (what == Restores::config)
        return fact.config != 0 && fact.config == live.config ? "has the config vars that are live"
                                                              : nullptr;
    return fact.content != 0 && fact.content == live.content ? "is the same as what is live"
                                                             : nullptr;
}

// Why going back to it is impossible, or would change nothing.
std::string why_no_help(const Fact& fact, const Fact* live, Restores what) {
    std::string why = obstacle(fact, what);
    if (why.empty() && live != nullptr)
        if (const char* same = sameness(fact, *live, what))
            why = same;
    return why;
}

// What is live and has processes would be replaced by nothing that runs.
bool ends_processes(const Fact& fact, const Fact* live, Restores what) {
    return fact.is_files_only && live != nullptr && live->readable && !live->is_files_only &&
           what != Restores::config;
}

// Empty: it will do. Or else, after what hinders, what speaks against it.
std::string why_not_first(const Fact& fact, Restores what, std::string hindrance, bool ends) {
    std::string why = hindrance.empty() ? doubt(fact, what) : std::move(hindrance);
    return why.empty() && ends ? "has no processes, which what is live has" : why;
}

// Where no good release is found: the newest of those that would do, and how many were passed over
// before it.
struct SecondBest {
    std::optional<ReleaseNumber> number;
    std::size_t skipped = 0;
};

bool would_do(const Fact& fact, Restores what) {
    return fact.was_live && !fact.bad && !is_held(fact, what);
}

bool went_back(const Fact& fact) {
    return fact.rollback_of || fact.config_of;
}

std::string note_of(ReleaseNumber second_best, bool has_processes) {
    return has_processes
               ? fmt::format(
                     "no good release before; {} ran, but never stayed up through its watch",
                     second_best.text())
               : fmt::format("no release before that would do has processes, as what is live has; "
                             "{} is files only",
                             second_best.text());
}

// On the way back from `live`: what came after it, and what is known never to have been live.
bool is_passed_over(const Fact& fact, ReleaseNumber live) {
    const bool never_was_live = fact.readable && !fact.was_live;
    return fact.number > live || (fact.number != live && never_was_live);
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

Choice rollback_target(Facts facts, std::optional<ReleaseNumber> live, Restores what) {
    const Fact* live_fact = live ? find(facts, *live) : nullptr;
    const auto position = live ? std::optional(standing_at(facts, *live)) : std::nullopt;
    Choice choice;
    choice.from = position;
    SecondBest unproven;
    SecondBest files_only;
    for (auto fact = facts.rbegin(); fact != facts.rend(); ++fact) {
        if (position && fact->number >= *position)
            continue;
        const std::string hindrance = why_no_help(*fact, live_fact, what);
        const bool ends = ends_processes(*fact, live_fact, what);
        std::string why = why_not_first(*fact, what, hindrance, ends);
        if (why.empty()) {
            choice.target = fact->number;
            choice.is_settled = true;
            return choice;
        }
        SecondBest& second = ends ? files_only : unproven;
        if (!second.number && hindrance.empty() && would_do(*fact, what))
            second = {fact->number, choice.skipped.size()};
        choice.skipped.push_back({fact->number, std::move(why)});
    }
    const SecondBest& second = unproven.number ? unproven : files_only;
    if (!second.number)
        return choice;
    choice.target = second.number;
    choice.skipped.resize(second.skipped, {*second.number, ""});
    choice.note = note_of(*second.number, unproven.number.has_value());
    return choice;
}

Choice undo_target(Facts facts, ReleaseNumber live) {
    Choice choice;
    choice.from = live;
    const Fact* undone = nullptr; // the rollback that is to be
    std::size_t redone = 0;       // rollbacks that have been undone already
    for (auto fact = facts.rbegin(); fact != facts.rend(); ++fact) {
        if (is_passed_over(*fact, live))
            continue;
        if (!fact->readable) {
            choice.is_settled = true;
            choice.note = fmt::format("{} cannot be read, and may be what was live before",
                                      fact->number.text());
            return choice;
        }
        if (undone != nullptr) {
            choice.target = fact->number;
            choice.is_settled = true;
            return choice;
        }
        if (!went_back(*fact)) {
            choice.is_settled = true;
            break;
        }
        if (fact->is_undo)
            ++redone;
        else if (redone > 0)
            --redone;
        else
            undone = &*fact;
    }
    choice.note =
        fmt::format("{} is live, and no rollback led to it that has not been undone", live.text());
    return choice;
}

Eligibility eligibility(Facts facts, ReleaseNumber number, std::optional<ReleaseNumber> live,
                        Restores what) {
    const Fact* fact = find(facts, number);
    if (fact == nullptr)
        return {false, false, "there is no such release"};
    if (number == live)
        return {false, false, "is live"};
    if (auto why = obstacle(*fact, what); !why.empty())
        return {false, false, std::move(why)};
    if (auto why = doubt(*fact, what); !why.empty())
        return {true, false, std::move(why)};
    if (const Fact* barrier = barrier_after(facts, number);
        barrier != nullptr && what != Restores::config)
        return {true, false,
                fmt::format("is from before {}, which cannot be undone: it takes --force",
                            barrier->number.text())};
    return {true, true, what == Restores::config ? "is good" : "is good, and its slug is there"};
}

} // namespace shipit::release

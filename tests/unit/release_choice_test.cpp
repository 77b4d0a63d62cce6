#include "core/release/choice.hpp"

#include "tests/unit/release_facts.hpp"

#include <doctest/doctest.h>

using namespace shipit;
using namespace shipit::release;
using tests::bad;
using tests::failed;
using tests::good;
using tests::made;
using tests::numbered_slug;

namespace {

Fact unproven(std::uint64_t number) {
    return made(number);
}

Fact expired(std::uint64_t number) {
    Fact fact = good(number);
    fact.status = Status::expired;
    fact.slug_there = false;
    return fact;
}

Fact with_held_build(Fact fact, const std::string& why) {
    fact.held = why;
    return fact;
}

Fact back_to(Fact fact, std::uint64_t origin) {
    fact.rollback_of = ReleaseNumber(origin);
    fact.content = origin;
    fact.slug = numbered_slug(origin);
    return fact;
}

Fact files_only(Fact fact) {
    fact.is_files_only = true;
    return fact;
}

std::string target(const std::vector<Fact>& facts, std::uint64_t live) {
    const auto choice = rollback_target(facts, ReleaseNumber(live));
    return choice.target ? choice.target->text() : "none";
}

} // namespace

TEST_SUITE_BEGIN("release: choice");

TEST_CASE("rollback goes to the good release before the live one") {
    CHECK(target({good(1), good(2), good(3)}, 3) == "v2");
    CHECK(target({good(1), good(2), good(3)}, 2) == "v1");
}

TEST_CASE("after bad, bad, bad, rollback reaches the good one and says what it skipped") {
    const std::vector<Fact> facts = {good(1), bad(2, "500s"), failed(3), bad(4), bad(5)};
    const auto choice = rollback_target(facts, ReleaseNumber(5));
    CHECK(choice.target == ReleaseNumber(1));
    CHECK(choice.note.empty());
    CHECK(choice.skipped ==
          std::vector<Skipped>{{ReleaseNumber(4), "is marked bad: rolled back from"},
                               {ReleaseNumber(3), "failed: health check"},
                               {ReleaseNumber(2), "is marked bad: 500s"}});
}

TEST_CASE("rollback asked twice goes further back, not back to what was left") {
    // v3 was left for v4, which brought v2 back; v2 did not help either.
    CHECK(target({good(1), good(2), bad(3), back_to(good(4), 2)}, 4) == "v1");
    // Even where nobody has marked v3 bad.
    CHECK(target({good(1), good(2), good(3), back_to(good(4), 2)}, 4) == "v1");
    // And three times: v5 brought v1 back, and before v1 there is nothing.
    CHECK(target({good(1), good(2), bad(3), back_to(bad(4), 2), back_to(good(5), 1)}, 5) == "none");
}

TEST_CASE("a rollback of a rollback stands where the first one stood") {
    const std::vector<Fact> facts = {
        good(1), good(2), bad(3), back_to(good(4), 2), bad(5), back_to(good(6), 4)};
    CHECK(standing_at(facts, ReleaseNumber(6)) == ReleaseNumber(2));
    CHECK(target(facts, 6) == "v1");
}

TEST_CASE("after a rollback and a new deploy, rollback goes to the rollback") {
    CHECK(target({good(1), good(2), bad(3), back_to(good(4), 2), bad(5)}, 5) == "v4");
}

TEST_CASE("releases that failed, expired, are pending or lost their slug are skipped") {
    auto pending = made(4);
    pending.status = Status::pending;
    auto lost = good(5);
    lost.slug_there = false;
    auto config_only = good(6);
    config_only.slug.reset();
    auto unreadable = Fact{.number = ReleaseNumber(7), .why = "v7.toml:1:1: junk"};
    unreadable.readable = false;
    const auto choice = rollback_target(std::vector<Fact>{good(1), expired(2), failed(3), pending,
                                                          lost, config_only, unreadable, good(8)},
                                        ReleaseNumber(8));
    CHECK(choice.target == ReleaseNumber(1));
    CHECK(choice.skipped ==
          std::vector<Skipped>{{ReleaseNumber(7), "its manifest cannot be read: v7.toml:1:1: junk"},
                               {ReleaseNumber(6), "has config vars only, no code"},
                               {ReleaseNumber(5), "its slug is missing"},
                               {ReleaseNumber(4), "is still being deployed"},
                               {ReleaseNumber(3), "failed: health check"},
                               {ReleaseNumber(2), "its slug was pruned"}});
}

TEST_CASE("a release that is the same as the live one is skipped, since it would not help") {
    auto same = good(2);
    same.content = 3;
    CHECK(target({good(1), same, good(3)}, 3) == "v1");
}

TEST_CASE("a release whose code is the live one's but whose config vars are not is a way back") {
    auto other_config = good(2);
    other_config.slug = numbered_slug(3);
    CHECK(target({good(1), other_config, good(3)}, 3) == "v2");
}

TEST_CASE("where nothing is good yet, what ran is taken, with a note") {
    const auto choice = rollback_target(
        std::vector<Fact>{unproven(1), unproven(2), failed(3), unproven(4)}, ReleaseNumber(4));
    CHECK(choice.target == ReleaseNumber(2));
    CHECK(choice.note.find("v2") != std::string::npos);
    CHECK(choice.skipped.size() == 1);
}

TEST_CASE("a good release further back beats an unproven one that is nearer") {
    CHECK(target({good(1), unproven(2), good(3)}, 3) == "v1");
}

TEST_CASE(
    "what is files only is passed over where processes are live, unless nothing else is left") {
    const std::vector<Fact> facts = {good(1), files_only(good(2)), good(3)};
    CHECK(rollback_target(facts, ReleaseNumber(3)).target == ReleaseNumber(1));
    CHECK(rollback_target(facts, ReleaseNumber(3)).skipped ==
          std::vector<Skipped>{{ReleaseNumber(2), "has no processes, which what is live has"}});
    CHECK(target({unproven(1), files_only(good(2)), good(3)}, 3) == "v1");

    // An app whose first release with processes fails goes back to its files.
    const auto first = rollback_target(std::vector<Fact>{bad(1), files_only(good(2)), unproven(3)},
                                       ReleaseNumber(3));
    CHECK(first.target == ReleaseNumber(2));
    CHECK(first.note.find("v2 is files only") != std::string::npos);
    CHECK(first.skipped.empty());

    CHECK(target({good(1), files_only(good(2)), files_only(good(3))}, 3) == "v2");
    auto other_config = files_only(good(2));
    other_config.config = 2;
    CHECK(rollback_target(std::vector<Fact>{good(1), other_config, good(3)}, ReleaseNumber(3),
                          Restores::config)
              .target == ReleaseNumber(2));
}

TEST_CASE("a bad release is never chosen, and one that never ran is not either") {
    auto never_ran = unproven(2);
    never_ran.was_live = false;
    CHECK(target({bad(1), never_ran, good(3)}, 3) == "none");
}

TEST_CASE("one whose build is held is passed over, good or not, though another was the bad one") {
    // v4 brought v2 back and was marked bad when v5 was live already.
    const std::vector<Fact> facts = {good(1), with_held_build(good(2), "eats data"), bad(3),
                                     back_to(with_held_build(bad(4), "eats data"), 2), good(5)};
    CHECK(target(facts, 5) == "v1");
    const auto skipped = rollback_target(facts, ReleaseNumber(5)).skipped;
    REQUIRE(skipped.size() == 3);
    CHECK(skipped[2] == Skipped{ReleaseNumber(2), "its build is held: eats data"});
    CHECK(target({with_held_build(unproven(1), ""), good(2)}, 2) == "none");
    CHECK(target({unproven(1), with_held_build(unproven(2), ""), good(3)}, 3) == "v1");
    const auto eligible = eligibility(facts, ReleaseNumber(2), ReleaseNumber(5));
    CHECK(eligible.possible);
    CHECK_FALSE(eligible.advisable);
    CHECK(eligible.why == "its build is held: eats data");
}

TEST_CASE("config vars come back from a release whose build is held") {
    auto held = with_held_build(good(2), "eats data");
    held.config = 2;
    auto live = good(3);
    live.config = 3;
    const std::vector<Fact> facts = {good(1), held, live};
    CHECK(rollback_target(facts, ReleaseNumber(3), Restores::config).target == ReleaseNumber(2));
    CHECK(rollback_target(facts, ReleaseNumber(3), Restores::code).target == ReleaseNumber(1));
    CHECK(eligibility(facts, ReleaseNumber(2), ReleaseNumber(3), Restores::config).advisable);
}

TEST_CASE("one that is stored is no way back, whatever is said of it") {
    Fact stored = made(2);
    stored.was_live = false;
    CHECK(stored.is_stored());
    CHECK_FALSE(failed(2).is_stored());
    CHECK(target({good(1), stored, good(3)}, 3) == "v1");
    CHECK(target({stored, good(3)}, 3) == "none");
    const std::vector<Fact> facts = {good(1), stored, good(3)};
    CHECK(rollback_target(facts, ReleaseNumber(3)).skipped ==
          std::vector<Skipped>{{ReleaseNumber(2), "was never live"}});
    stored.good = true;
    CHECK(target({good(1), stored, good(3)}, 3) == "v1");
    const auto eligible = eligibility(facts, ReleaseNumber(2), ReleaseNumber(3));
    CHECK(eligible.possible);
    CHECK_FALSE(eligible.advisable);
    CHECK(eligible.why == "was never live");
}

TEST_CASE("what was taken live from a stored one goes back to what was live before") {
    Fact stored = made(2);
    stored.was_live = false;
    Fact activated = good(3);
    activated.slug = stored.slug;
    activated.content = stored.content;
    CHECK(target({good(1), stored, activated}, 3) == "v1");
    CHECK(target({good(1), stored, activated, good(4)}, 4) == "v3");
    CHECK_FALSE(
        undo_target(std::vector<Fact>{good(1), stored, activated}, ReleaseNumber(3)).target);
}

TEST_CASE("a release marked bad after it was good is bad") {
    auto spoilt = good(2);
    spoilt.bad = true;
    CHECK(target({good(1), spoilt, good(3)}, 3) == "v1");
}

TEST_CASE("with nothing live, rollback takes the newest good release") {
    const auto choice =
        rollback_target(std::vector<Fact>{good(1), good(2), failed(3)}, std::nullopt);
    CHECK(choice.target == ReleaseNumber(2));
}

TEST_CASE("an empty history has no target") {
    CHECK_FALSE(rollback_target({}, std::nullopt).target);
    CHECK_FALSE(rollback_target({}, ReleaseNumber(3)).target);
    CHECK(target({good(1)}, 1) == "none");
}

TEST_CASE("a chain of rollbacks that bites its tail comes to an end") {
    CHECK(standing_at(std::vector<Fact>{back_to(good(1), 2), back_to(good(2), 1)},
                      ReleaseNumber(2)) == ReleaseNumber(1));
    CHECK(standing_at(std::vector<Fact>{back_to(good(1), 1)}, ReleaseNumber(1)) ==
          ReleaseNumber(1));
}

TEST_CASE("the newest part of a history gives the same good target as all of it") {
    const std::vector<Fact> facts = {good(1),   good(2), bad(3),   back_to(good(4), 2),
                                     failed(5), good(6), failed(7)};
    for (const std::uint64_t live : {2U, 4U, 6U}) {
        const auto whole = rollback_target(facts, ReleaseNumber(live));
        for (std::size_t newest = 1; newest < facts.size(); ++newest) {
            const auto part = rollback_target(Facts(facts).last(newest), ReleaseNumber(live));
            if (part.target && part.note.empty())
                CHECK(part.target == whole.target);
        }
    }
}

TEST_CASE("whether a release can be rolled back to is told with the reason") {
    const std::vector<Fact> facts = {good(1),        expired(2),  failed(3),
                                     bad(4, "500s"), unproven(5), good(6)};
    struct Row {
        std::uint64_t number;
        bool possible;
        bool advisable;
        const char* why;
    };
    for (const Row& row :
         {Row{1, true, true, "is good, and its slug is there"},
          Row{2, false, false, "its slug was pruned"}, Row{3, false, false, "failed: health check"},
          Row{4, true, false, "is marked bad: 500s"},
          Row{5, true, false, "never stayed up through its watch"}, Row{6, false, false, "is live"},
          Row{7, false, false, "there is no such release"}}) {
        const auto answer = eligibility(facts, ReleaseNumber(row.number), ReleaseNumber(6));
        CHECK(answer.possible == row.possible);
        CHECK(answer.advisable == row.advisable);
        CHECK(answer.why == row.why);
    }
}

TEST_CASE("a good release from before one that cannot be undone is possible, and not advisable") {
    auto barrier = failed(3);
    barrier.is_barrier = true;
    const std::vector<Fact> facts = {good(1), bad(2, "500s"), barrier, good(4), good(5)};
    const auto before = eligibility(facts, ReleaseNumber(1), ReleaseNumber(5));
    CHECK(before.possible);
    CHECK_FALSE(before.advisable);
    CHECK(before.why == "is from before v3, which cannot be undone: it takes --force");
    CHECK(eligibility(facts, ReleaseNumber(2), ReleaseNumber(5)).why == "is marked bad: 500s");
    CHECK(eligibility(facts, ReleaseNumber(4), ReleaseNumber(5)).advisable);
}

namespace {

Fact undoing(Fact fact, std::uint64_t origin) {
    fact = back_to(fact, origin);
    fact.is_undo = true;
    return fact;
}

std::string undone(const std::vector<Fact>& facts, std::uint64_t live) {
    const auto choice = undo_target(facts, ReleaseNumber(live));
    CHECK(choice.target.has_value() == choice.note.empty());
    return choice.target ? choice.target->text() : choice.note;
}

} // namespace

TEST_CASE("undo goes to what was live before the rollback") {
    CHECK(undone({good(1), good(2), bad(3), back_to(good(4), 2)}, 4) == "v3");
    // What failed in between was never live.
    CHECK(undone({good(1), bad(2), failed(3), back_to(good(4), 1)}, 4) == "v2");
    // What came after the live one, and failed, does not matter.
    CHECK(undone({good(1), bad(2), back_to(good(3), 1), failed(4)}, 3) == "v2");
}

TEST_CASE("undo goes past no release that cannot be read: it may be the one") {
    auto damaged = good(3);
    damaged.readable = false;
    damaged.was_live = false;
    CHECK(undone({good(1), good(2), damaged, back_to(good(4), 2)}, 4) ==
          "v3 cannot be read, and may be what was live before");
}

TEST_CASE("two rollbacks are undone one after the other") {
    std::vector<Fact> facts = {good(1), good(2), bad(3), back_to(bad(4), 2), back_to(good(5), 1)};
    CHECK(undone(facts, 5) == "v4");
    facts.push_back(undoing(good(6), 4));
    CHECK(undone(facts, 6) == "v3");
    facts.push_back(undoing(good(7), 3));
    CHECK(undone(facts, 7) == "v7 is live, and no rollback led to it that has not been undone");
}

TEST_CASE("a rollback after an undo is undone in its turn") {
    CHECK(undone({good(1), good(2), bad(3), back_to(bad(4), 2), undoing(bad(5), 3),
                  back_to(good(6), 2)},
                 6) == "v5");
}

TEST_CASE("what was deployed or configured since a rollback leaves nothing to undo") {
    const std::string nothing = " is live, and no rollback led to it that has not been undone";
    CHECK(undone({good(1), bad(2), back_to(good(3), 1), good(4)}, 4) == "v4" + nothing);
    CHECK(undone({good(1)}, 1) == "v1" + nothing);
    CHECK(undone({}, 1) == "v1" + nothing);
}

TEST_CASE("a rollback of config vars alone can be undone, too") {
    auto config_back = good(3);
    config_back.config_of = ReleaseNumber(1);
    CHECK(undone({good(1), bad(2), config_back}, 3) == "v2");
}

TEST_CASE("the newest part of a history gives the same way forward, once it is settled") {
    const std::vector<Fact> facts = {
        good(1), good(2), bad(3), back_to(bad(4), 2), back_to(good(5), 1), undoing(good(6), 4)};
    for (std::size_t newest = 1; newest < facts.size(); ++newest) {
        const auto part = undo_target(Facts(facts).last(newest), ReleaseNumber(6));
        CHECK(part.is_settled == (newest >= 4));
        if (part.is_settled)
            CHECK(part.target == ReleaseNumber(3));
    }
}

TEST_CASE("code alone goes back to other files, config vars alone to other config vars") {
    auto same_code = good(3);
    same_code.slug = numbered_slug(4);
    same_code.config = 7;
    auto same_config = good(2);
    same_config.config = 8;
    auto live = good(4);
    live.config = 8;
    const std::vector<Fact> facts = {good(1), same_config, same_code, live};
    CHECK(rollback_target(facts, live.number).target == ReleaseNumber(3));
    const auto code = rollback_target(facts, live.number, Restores::code);
    CHECK(code.target == ReleaseNumber(2));
    CHECK(code.skipped == std::vector<Skipped>{{ReleaseNumber(3), "has the files that are live"}});
    CHECK(rollback_target(facts, live.number, Restores::config).target == ReleaseNumber(3));
    live.config = 7;
    CHECK(rollback_target(std::vector<Fact>{good(1), same_config, same_code, live}, live.number,
                          Restores::config)
              .target == ReleaseNumber(2));
}

TEST_CASE("config vars outlive their slug, and need no --force") {
    auto barrier = good(3);
    barrier.is_barrier = true;
    const std::vector<Fact> facts = {expired(1), failed(2), barrier};
    CHECK_FALSE(eligibility(facts, ReleaseNumber(1), ReleaseNumber(3)).possible);
    CHECK(eligibility(facts, ReleaseNumber(1), ReleaseNumber(3), Restores::config).advisable);
    CHECK_FALSE(eligibility(facts, ReleaseNumber(2), ReleaseNumber(3), Restores::config).possible);
}

#include "core/release/choice.hpp"

#include "tests/unit/release_facts.hpp"

#include <doctest/doctest.h>

using namespace shipit;
using namespace shipit::release;
using namespace std::chrono_literals;
using tests::bad;
using tests::day;
using tests::failed;
using tests::good;
using tests::numbered_slug;
using tests::today;

namespace {

// Never live; of the build of release `build`.
Fact stored(std::uint64_t number, std::uint64_t build = 0, int days = 0) {
    Fact fact = good(number, days);
    fact.good = false;
    fact.was_live = false;
    fact.slug = numbered_slug(build == 0 ? number : build);
    return fact;
}

Fact of_build(Fact fact, std::uint64_t build) {
    fact.slug = numbered_slug(build);
    return fact;
}

Fact pinned(Fact fact) {
    fact.pinned = true;
    return fact;
}

// The numbers that go, as "1 3".
std::string going(const std::vector<Fact>& facts, const Retention& retention,
                  std::optional<std::uint64_t> live, std::vector<ReleaseNumber> warm = {}) {
    Running running;
    if (live)
        running.live = ReleaseNumber(*live);
    running.warm = std::move(warm);
    std::string text;
    for (const Expiry& expiry : expiring(facts, retention, running, today))
        text += (text.empty() ? "" : " ") + std::to_string(expiry.number.value());
    return text;
}

Retention keep(unsigned count, unsigned failed_count = 3) {
    Retention retention;
    retention.keep = count;
    retention.keep_failed = failed_count;
    return retention;
}

} // namespace

TEST_SUITE_BEGIN("release: retention");

TEST_CASE("the newest good releases are kept") {
    CHECK(going({good(1), good(2), good(3), good(4)}, keep(2), 4) == "1 2");
    CHECK(going({good(1), good(2)}, keep(10), 2).empty());
    CHECK(going({}, keep(1), {}).empty());
}

TEST_CASE("a failed deploy between two good ones takes no good one's place") {
    CHECK(going({good(1), failed(2), good(3)}, keep(2), 3).empty());
    CHECK(going({good(1), good(2), failed(3), failed(4), failed(5), failed(6), good(7)}, keep(2),
                7) == "1 3");
}

TEST_CASE("failed and bad releases have a quota of their own") {
    CHECK(going({good(1), failed(2), bad(3), failed(4), bad(5), good(6)}, keep(5, 1), 6) ==
          "2 3 4");
    CHECK(going({good(1), failed(2), good(3)}, keep(5, 0), 3) == "2");
}

TEST_CASE("what is live, warm, pinned or being deployed is never taken") {
    auto pending = good(6);
    pending.status = Status::pending;
    pending.good = false;
    CHECK(going({good(1), pinned(good(2)), good(3), good(4), good(5), pending}, keep(1, 0), 5,
                {ReleaseNumber(3)}) == "1");
    CHECK(going({bad(1), good(2), good(3)}, keep(1, 0), 1) == "2");
}

TEST_CASE("the last good release and the one that rollback would go to are never taken") {
    // Live is a failing v4: rollback would go to v3, and v3 is the last good one.
    CHECK(going({good(1), good(2), good(3), bad(4)}, keep(1, 0), 4) == "1 2");
    // Live is good: there must be something to go back to.
    CHECK(going({good(1), good(2), good(3)}, keep(1), 3) == "1");
    // After "Rollback to v2", what rollback would go to is v1, and v3 if it is undone.
    auto back = good(4);
    back.rollback_of = ReleaseNumber(2);
    back.content = 2;
    CHECK(going({good(1), good(2), bad(3), back}, keep(1, 0), 4) == "2");
}

TEST_CASE("what rollback would go to past a held build is never taken") {
    auto held = good(2);
    held.held = "eats data";
    CHECK(going({good(1), held, good(3), good(4)}, keep(1), 3) == "2");
}

TEST_CASE("what an undo of the newest rollback would go to is never taken") {
    // Rolled back from v4 to v2, for lack of a good v3: forward again is v4, which is bad.
    auto back = good(5);
    back.rollback_of = ReleaseNumber(2);
    back.content = 2;
    CHECK(going({good(1), good(2), failed(3), bad(4), back}, keep(1, 0), 5) == "2 3");
    // Undone already: there is nothing to go forward to.
    auto forward = good(6);
    forward.rollback_of = ReleaseNumber(4);
    forward.is_undo = true;
    CHECK(going({good(1), good(2), failed(3), bad(4), back, forward}, keep(1, 0), 6) == "1 3 4 5");
}

TEST_CASE("releases older than the age go, but the one that was live back then stays") {
    Retention retention = keep(100);
    retention.older_than = 30 * day;
    CHECK(going({good(1, 90), good(2, 60), good(3, 40), good(4, 20), good(5, 1)}, retention, 5) ==
          "1 2");
    // v3 failed, so v2 was live 30 days ago.
    CHECK(going({good(1, 90), good(2, 60), failed(3, 40), good(4, 20), good(5, 1)}, retention, 5) ==
          "1 3");
}

TEST_CASE("a clock that was set back makes nothing old") {
    Retention retention = keep(100);
    retention.older_than = 30 * day;
    CHECK(going({good(1, 10), good(2, 375), good(3, 374), good(4, 1)}, retention, 4).empty());
}

TEST_CASE("a clock that was ahead makes nothing young for ever but what came after it") {
    Retention retention = keep(100);
    retention.older_than = 30 * day;
    CHECK(going({good(1, 90), good(2, 80), good(3, -3000), good(4, 50), good(5, 0)}, retention,
                5) == "1");
}

TEST_CASE("over the size, nothing goes whose slug stays with another release") {
    Retention retention = keep(10);
    retention.max_size = 1;
    // Three changes of config vars: all of one slug, which the one to go back to has as well.
    CHECK(going({good(1), of_build(good(2), 1), of_build(good(3), 1), good(4)}, retention, 4) ==
          "");
    // With none of them to stay, all go at the turn of the newest one.
    retention.max_size = 200;
    const std::vector<Fact> facts = {good(1), good(2), of_build(good(3), 1), good(4), good(5)};
    CHECK(going(facts, retention, 5) == "1 2 3");
    retention.max_size = 300;
    CHECK(going(facts, retention, 5) == "2");
}

TEST_CASE("over the size, failed releases go first, then the oldest good ones") {
    Retention retention = keep(100, 100);
    retention.max_size = 300;
    CHECK(going({good(1), good(2), failed(3), good(4), good(5)}, retention, 5) == "1 3");
    retention.max_size = 400;
    CHECK(going({good(1), good(2), failed(3), good(4), good(5)}, retention, 5) == "3");
    retention.max_size = 1; // even then
    CHECK(going({good(1), good(2), pinned(good(3)), good(4), good(5)}, retention, 5) == "1 2");
}

TEST_CASE("a slug that several releases share counts once, and is freed with the last of them") {
    auto twin = good(2);
    twin.slug = numbered_slug(1);
    Retention retention = keep(100);
    retention.max_size = 300;
    CHECK(going({good(1), twin, good(3), good(4)}, retention, 4).empty());
    retention.max_size = 200;
    CHECK(going({good(1), twin, good(3), good(4)}, retention, 4) == "1 2");
}

TEST_CASE("what expired before, and what has no slug, does not go again") {
    auto gone = good(1);
    gone.status = Status::expired;
    gone.slug_there = false;
    auto config_only = good(2);
    config_only.slug.reset();
    CHECK(going({gone, config_only, good(3), good(4), good(5)}, keep(2), 5) == "3");
}

TEST_CASE("a release whose manifest cannot be read is left alone") {
    auto unreadable = Fact{.number = ReleaseNumber(1)};
    unreadable.readable = false;
    CHECK(going({unreadable, good(2), good(3)}, keep(2), 3).empty());
}

TEST_CASE("what is stored waits for its chance, and as many of these are kept as of good ones") {
    const std::vector<Fact> facts = {good(1),   good(2),   stored(3), failed(4),
                                     failed(5), stored(6), stored(7)};
    CHECK(going(facts, keep(3, 1), 2) == "4");
    CHECK(going(facts, keep(2, 1), 2) == "3 4");
    CHECK(going(facts, keep(1, 0), 2) == "3 4 5 6");
    CHECK(going({stored(1), stored(2)}, keep(1), std::nullopt) == "1"); // nothing is live yet
}

TEST_CASE("what waits has had its chance once a build from after it is live") {
    CHECK(going({good(1), stored(2), stored(3)}, keep(5, 0), 1).empty());
    CHECK(going({good(1), stored(2), good(3)}, keep(5, 0), 3) == "2");
    // Config vars that change, and a rollback, bring no later build.
    CHECK(going({good(1), stored(2), of_build(good(3), 1)}, keep(5, 0), 3).empty());
    CHECK(going({good(1), stored(2), bad(3), of_build(good(4), 1)}, keep(5, 0), 4) == "3");
}

TEST_CASE("what was stored and went live counts as what it became, and shares its slug") {
    CHECK(going({good(1), stored(2), of_build(good(3), 2)}, keep(5, 0), 3) == "2");
    CHECK(going({good(1), stored(2), of_build(failed(3), 2)}, keep(5, 0), 1) == "3");
    Fact held = stored(2);
    held.bad = true;
    CHECK(going({good(1), held}, keep(5, 0), 1) == "2");
}

TEST_CASE("the newest that waits goes by no limit, and older releases go before the others") {
    Retention small = keep(10, 10);
    small.max_size = 400;
    CHECK(going({good(1), good(2), good(3), stored(4), stored(5)}, small, 3) == "1");
    small.max_size = 300;
    CHECK(going({good(1), good(2), good(3), stored(4), stored(5)}, small, 3) == "1 4");
    Retention young = keep(10, 10);
    young.older_than = 10 * day;
    CHECK(going({good(1, 90), stored(2, 0, 40), stored(3, 0, 30)}, young, 1) == "2");
}

TEST_CASE("each expiry says why") {
    const auto expiries = expiring(std::vector<Fact>{good(1), good(2), good(3)}, keep(2),
                                   Running{ReleaseNumber(3), {}}, today);
    CHECK(expiries ==
          std::vector<Expiry>{{ReleaseNumber(1), "beyond the 2 good releases that are kept"}});
}

#include "core/push/arrivals.hpp"
#include "core/push/cache.hpp"
#include "core/sys/clock.hpp"
#include "tests/unit/test_folder.hpp"

#include <doctest/doctest.h>

namespace shipit::tests {

TEST_SUITE_BEGIN("push::Arrivals");

TEST_CASE("what is left of pushes goes after a week, and beyond the newest few") {
    const TestFolder folder;
    const slug::Store none(folder / "releases");
    const auto arrivals = folder / "push";
    for (const char* key : {"a", "b", "c", "d", "e"})
        sys::make_folders(arrivals / key, 0700);
    push::expire_arrivals(arrivals, none, sys::now());
    CHECK(sys::names_in(arrivals).size() == 3);
    const push::Arrivals at_work(arrivals, "f");
    push::expire_arrivals(arrivals, none, sys::now() + std::chrono::hours(24 * 8));
    CHECK(sys::names_in(arrivals) == std::vector<std::string>{"f"});
}

TEST_CASE("what one push has done with stays for another that is at work on the same") {
    const TestFolder folder;
    const push::Arrivals first(folder / "push", "a");
    const push::Arrivals second(folder / "push", "a");
    second.take(push::piece_message(0, "a patch"), 1);
    first.remove();
    CHECK(second.patch(0) == "a patch");
    second.remove();
    CHECK(sys::names_in(folder / "push").empty());
}

TEST_SUITE_END();

TEST_SUITE_BEGIN("push::Cache");

TEST_CASE("a push has the token that it had until its end is known") {
    const TestFolder folder;
    const push::Cache cache(folder / "cache", {"somebody", "push", sys::now(), 0});
    const auto one = *SlugId::parse(std::string(32, '1'));
    const auto two = *SlugId::parse(std::string(32, '2'));
    push::Options options;
    const auto token = cache.token(one, options);
    CHECK(cache.token(one, options) == token);
    options.force = true;
    const auto forced = cache.token(one, options);
    CHECK(forced != token);
    CHECK(cache.token(one, options) == forced);
    const auto other = cache.token(two, options);
    CHECK(other != forced);
    cache.forget_token();
    CHECK(cache.token(two, options) != other);
}

TEST_SUITE_END();

} // namespace shipit::tests

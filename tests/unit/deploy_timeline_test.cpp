#include "core/deploy/timeline.hpp"
#include "core/release/conduct.hpp"
#include "core/release/events.hpp"
#include "tests/unit/blog_app.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace shipit;
using namespace shipit::deploy;
using namespace std::chrono_literals;

namespace {

constexpr WallTime start_of_day(1795387189000ms);

void note(const App& app, const char* what, std::chrono::seconds after) {
    release::append_event(app.layout.events(), {.event = what,
                                                .app = app.name().text(),
                                                .release = ReleaseNumber(1),
                                                .user = "ada",
                                                .at = start_of_day + after,
                                                .result = "done"});
}

void crash(const App& app, const std::vector<std::chrono::seconds>& times) {
    release::Conduct conduct;
    for (const auto after : times)
        conduct.add_exit({start_of_day + after, "web.1", "exited with status 1"});
    release::write_conduct(app.layout.evidence(ReleaseNumber(1)), conduct);
}

std::vector<std::string> told(const App& app, std::size_t limit = 8) {
    std::vector<std::string> result;
    for (const Moment& moment : latest_moments(app, ReleaseNumber(1), limit))
        result.push_back(moment.what);
    return result;
}

} // namespace

TEST_SUITE_BEGIN("deploy: timeline");

TEST_CASE("a process that crashed all night is told of as often as it did") {
    const tests::Blog blog;
    std::vector<std::chrono::seconds> night;
    for (int i = 1; i <= 3000; ++i)
        night.emplace_back(i);
    note(blog.app, "deploy", 0s);
    crash(blog.app, night);
    const auto moments = latest_moments(blog.app, ReleaseNumber(1), 8);
    REQUIRE(moments.size() == 2);
    CHECK(moments.front().what == "crash");
    CHECK(moments.front().times == 3000);
}

TEST_CASE("what came after a clock that was ahead is told as the newest") {
    const tests::Blog blog;
    note(blog.app, "deploy", 0s);
    for (int i = 0; i < 8; ++i)
        note(blog.app, "restart", 24h);
    note(blog.app, "rollback", 100s);
    crash(blog.app, {50s, 48h, 200s});
    const auto newest = told(blog.app, 4);
    CHECK(newest == std::vector<std::string>{"crash", "rollback", "restart", "restart"});
    CHECK(latest_moments(blog.app, ReleaseNumber(1), 4).back().at == start_of_day + 24h);
}

TEST_CASE("what was done and how processes ended is told in one order") {
    const tests::Blog blog;
    note(blog.app, "deploy", 0s);
    note(blog.app, "restart", 20s);
    crash(blog.app, {10s, 30s});
    CHECK(told(blog.app) == std::vector<std::string>{"crash", "restart", "crash", "deploy"});
}

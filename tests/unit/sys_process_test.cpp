#include "core/sys/process.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <csignal>
#include <ctime>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

using namespace shipit::sys;

TEST_SUITE_BEGIN("sys: process");

TEST_CASE("a process's parent is known, and that of one that is gone is not") {
    CHECK(parent_of(::getpid()) == ::getppid());
    const pid_t child = ::fork();
    if (child == 0)
        ::_exit(0);
    REQUIRE(::waitpid(child, nullptr, 0) == child);
    CHECK_FALSE(parent_of(child));
}

TEST_CASE("the peak of a process's memory stays when the memory is given back") {
    constexpr std::size_t size = 64 << 20;
    {
        const std::vector<char> much(size, 'x');
        CHECK(much.back() == 'x');
        CHECK(peak_bytes(::getpid()) >= size);
    }
    CHECK(peak_bytes(::getpid()) >= size);
    CHECK(peak_bytes(::getpid()) >= resident_bytes(::getpid()));
}

TEST_CASE("what a process uses is told with what its children do") {
    const auto alone = usage_of(::getpid());
    REQUIRE(alone);
    CHECK(alone->processes == 1);
    CHECK(alone->memory > 100 << 10);
    CHECK(alone->age.count() >= 0);
    const pid_t child = ::fork();
    if (child == 0) {
        (void)::pause();
        ::_exit(0);
    }
    const auto together = usage_of(::getpid());
    (void)::kill(child, SIGKILL);
    REQUIRE(::waitpid(child, nullptr, 0) == child);
    REQUIRE(together);
    CHECK(together->processes == 2);
    CHECK_FALSE(usage_of(child));
}

TEST_CASE("the time of a child that has ended is its parent's") {
    const auto before = usage_of(::getpid()).value();
    const pid_t child = ::fork();
    if (child == 0) { // busy until it has used a tenth of a second
        while (::clock() < CLOCKS_PER_SEC / 10)
            continue;
        ::_exit(0);
    }
    REQUIRE(::waitpid(child, nullptr, 0) == child);
    const auto after = usage_of(::getpid()).value();
    CHECK(after.cpu - before.cpu >= std::chrono::milliseconds(80)); // told in ticks of 10 ms
}

TEST_CASE("how many processors are used is counted from the look before, or from the start") {
    using std::chrono::milliseconds;
    const Usage now{1, 0, milliseconds(3000), milliseconds(10'000)};
    CHECK(now.processors() == 0.3);
    CHECK(now.processors(Usage{1, 0, milliseconds(1000), milliseconds(9000)}) == 2);
    CHECK(now.processors(now) == 0);
    // A child ended, and nobody had waited for it.
    CHECK(now.processors(Usage{2, 0, milliseconds(3500), milliseconds(9000)}) == 0);
    CHECK(Usage{}.processors() == 0);
}

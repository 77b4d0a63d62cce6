#include "core/sys/process.hpp"

#include <doctest/doctest.h>

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

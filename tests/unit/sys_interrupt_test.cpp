#include "core/sys/interrupt.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <csignal>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

using namespace shipit;

namespace {

constexpr int tidied_up = 42;

// How a process ends that gets SIGTERM twice, so long after each other, while it works, and tidies
// up as soon as it is told to stop: its status as of waitpid(2).
int end_after_two(std::chrono::milliseconds apart) {
    const pid_t child = ::fork();
    if (child == 0) {
        sys::defer_signals();
        (void)::raise(SIGTERM);
        std::this_thread::sleep_for(apart);
        (void)::raise(SIGTERM);
        try {
            sys::stop_if_interrupted();
        } catch (const sys::Interrupted& interrupted) {
            ::_exit(interrupted.signal() == SIGTERM ? tidied_up : 1);
        }
        ::_exit(0);
    }
    int status = -1;
    CHECK(::waitpid(child, &status, 0) == child);
    return status;
}

} // namespace

TEST_SUITE_BEGIN("sys: interrupt");

TEST_CASE("a signal that comes twice at once, to a process and to its group, means it once") {
    const int status = end_after_two(std::chrono::milliseconds(0));
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == tidied_up);
}

TEST_CASE("a second signal, later, ends the process at once") {
    const int status = end_after_two(std::chrono::milliseconds(350));
    CHECK(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGTERM);
}

TEST_SUITE_END();

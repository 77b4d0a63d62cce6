#include "core/base/error.hpp"
#include "core/sys/clock.hpp"
#include "core/sys/lock.hpp"
#include "core/sys/process.hpp"
#include "tests/unit/test_folder.hpp"

#include <doctest/doctest.h>

#include <memory>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace shipit;
using namespace shipit::sys;
using namespace std::chrono_literals;

namespace {
const LockHolder alice{"alice (from 10.0.0.7)", "deploy", WallTime(1795387189123ms), 4711};
const LockHolder bob{"bob", "rollback", WallTime(1795387190000ms), 4712};
} // namespace

TEST_SUITE_BEGIN("sys: lock");

TEST_CASE("the second to come is told who holds the lock, since when, and how to wait") {
    const tests::TestFolder folder;
    const Lock lock(folder / "lock", alice, 0ms);
    try {
        const Lock second(folder / "lock", bob, 0ms, {}, "blog");
        FAIL("locked twice");
    } catch (const Error& error) {
        CHECK(error.outcome() == Outcome::locked);
        CHECK(error.why().find("'blog' is locked by alice (from 10.0.0.7), running 'deploy' since "
                               "2026-11-22T22:39:49.123Z") == 0);
        CHECK(error.why().find("process 4711") != std::string::npos);
        CHECK(error.next().find("--wait") != std::string::npos);
    }
    CHECK(Lock::holder(folder / "lock")->what == "deploy");
}

TEST_CASE("a lock goes with its holder, however the holder dies") {
    const tests::TestFolder folder;
    int ready[2];
    REQUIRE(::pipe2(ready, O_CLOEXEC) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
        const Lock lock(folder / "lock", alice, 0ms);
        (void)!::write(ready[1], "x", 1);
        ::pause();
    }
    char byte = 0;
    REQUIRE(::read(ready[0], &byte, 1) == 1);
    CHECK(Lock::holder(folder / "lock").has_value());
    bool told = false;
    ::kill(child, SIGKILL);
    const Lock lock(folder / "lock", bob, 10s, [&](const LockHolder&) { told = true; });
    ::waitpid(child, nullptr, 0);
    CHECK(Lock::holder(folder / "lock")->who == "bob");
    ::close(ready[0]);
    ::close(ready[1]);
}

TEST_CASE("a lock whose file was removed and made anew meanwhile is that of the new file") {
    const tests::TestFolder folder;
    auto first = std::make_unique<Lock>(folder / "lock", alice, 0ms);
    const Lock second(folder / "lock", bob, 10s, [&](const LockHolder&) {
        sys::remove_file(folder / "lock");
        sys::replace_durably(folder / "lock", "", 0600);
        first.reset();
    });
    CHECK(Lock::holder(folder / "lock")->who == "bob");
}

TEST_CASE("a lock can be had on a full disk, where its file cannot say by whom") {
    const tests::TestFolder folder;
    if (::mount("none", folder.path().c_str(), "tmpfs", 0, "size=16k") != 0)
        return; // only root can
    {
        const Fd filling(
            ::open((folder / "filling").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        const std::string page(4096, '-');
        while (::write(filling.get(), page.data(), page.size()) > 0) {
        }
        const Lock lock(folder / "lock", alice, 0ms);
        CHECK(Lock::holder(folder / "lock")->text(bob.since) == "another command");
        CHECK_THROWS_AS(Lock(folder / "lock", bob, 0ms), Error);
    }
    CHECK(::umount(folder.path().c_str()) == 0);
}

TEST_CASE("what a lock's file says of its holder leaves nothing of a longer one before") {
    const tests::TestFolder folder;
    { const Lock lock(folder / "lock", alice, 0ms); }
    const Lock lock(folder / "lock", bob, 0ms);
    CHECK(Lock::holder(folder / "lock")->who == "bob");
    CHECK(read_file(folder / "lock").ends_with("4712}\n"));
}

TEST_CASE("a child of the holder does not inherit the lock") {
    const tests::TestFolder folder;
    {
        const Lock lock(folder / "lock", alice, 0ms);
        // exec closes it: `sleep` would hold the lock otherwise, and the line below would find it.
        const pid_t child = ::fork();
        if (child == 0) {
            ::execlp("sh", "sh", "-c", "ls -l /proc/self/fd | grep -c lock", nullptr);
            ::_exit(127);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        CHECK(WEXITSTATUS(status) == 1); // grep found none
    }
    CHECK_FALSE(Lock::holder(folder / "lock").has_value());
}

TEST_CASE("a process is known by its start time, not by its pid alone") {
    const ProcessName self{::getpid(), start_time_of(::getpid()).value()};
    CHECK(is_alive(self));
    CHECK_FALSE(is_alive({self.pid, self.start_time + 1}));
    CHECK_FALSE(start_time_of(999999999).has_value());
    CHECK(resident_bytes(::getpid()) > 100000);
}

TEST_SUITE_END();

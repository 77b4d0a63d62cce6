#include "core/supervise/loop.hpp"

#include "core/supervise/launch.hpp"
#include "core/sys/fd.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

using namespace shipit;
using namespace shipit::supervise;
using namespace std::chrono_literals;

namespace {

struct Pipe {
    Pipe() {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
        reading.reset(ends[0]);
        writing.reset(ends[1]);
    }
    void fill() const { REQUIRE(::write(writing.get(), "x", 1) == 1); }
    sys::Fd reading;
    sys::Fd writing;
};

// Two pipes of which both can be read in one round of the loop: who is called first cancels the
// wish for the other one, and does something new.
struct TwoReady {
    TwoReady(Loop& loop, std::function<void()> something_new) : act(std::move(something_new)) {
        for (std::size_t n = 0; n < 2; ++n) {
            pipes[n].fill();
            watches[n] = loop.watch(pipes[n].reading.get());
            watches[n].when_readable([this, n] {
                watches[1 - n].cancel();
                act();
            });
        }
    }
    Pipe pipes[2];
    Loop::Watch watches[2];
    std::function<void()> act;
};

} // namespace

TEST_SUITE_BEGIN("supervise::Loop");

TEST_CASE("an event that nobody waits for any more is not another descriptor's") {
    const Pipe silent;
    Loop loop;
    bool is_called = false;
    Loop::Watch watch;
    Loop::Timer end;
    const TwoReady ready(loop, [&] {
        watch = loop.watch(silent.reading.get());
        watch.when_readable([&] { is_called = true; });
        end = loop.after(20ms, [&] { loop.stop(); });
    });
    loop.run();
    CHECK_FALSE(is_called);
    watch.when_readable([&] {
        is_called = true;
        loop.stop();
    });
    silent.fill();
    loop.run();
    CHECK(is_called);
}

TEST_CASE("an event that nobody waits for any more is not the end of a process that is started") {
    Launch launch;
    launch.argv = {"/bin/sh", "-c", "exec sleep 0.3"};
    launch.environment = {{"PATH", "/usr/bin:/bin"}};
    launch.folder = "/";
    Loop loop;
    std::string order;
    std::unique_ptr<Child> child;
    Loop::Timer soon;
    const TwoReady ready(loop, [&] {
        child = std::make_unique<Child>(loop, launch, [&](WaitStatus status) {
            order += exit_text(status);
            loop.stop();
        });
        soon = loop.after(1ms, [&] { order += "goes on, "; });
    });
    loop.run();
    CHECK(order == "goes on, exited with status 0");
}

TEST_SUITE_END();

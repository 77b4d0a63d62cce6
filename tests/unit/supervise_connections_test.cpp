#include "core/supervise/connections.hpp"

#include "core/sys/fd.hpp"
#include "tests/unit/supervised_app.hpp"

#include <doctest/doctest.h>

#include <ctime>
#include <thread>

using namespace shipit;
using namespace shipit::supervise;
using namespace std::chrono_literals;

namespace {

// The kernel tells times no finer than by its ticks: waits for the next one.
void pass_a_tick() {
    const auto tick = [] {
        timespec now{};
        ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
        return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
    };
    for (const auto begun = tick(); tick() < begun + 20ms;)
        std::this_thread::yield();
}

// A server and its client, both in this process.
struct Pair {
    Pair() {
        const sys::Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in name{};
        socklen_t size = sizeof name;
        name.sin_family = AF_INET;
        name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::bind(listener.get(), reinterpret_cast<sockaddr*>(&name), size) == 0);
        REQUIRE(::listen(listener.get(), 1) == 0);
        REQUIRE(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&name), &size) == 0);
        address = TcpAddress::of("127.0.0.1", ntohs(name.sin_port)).value();
        client.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        REQUIRE(::connect(client.get(), reinterpret_cast<sockaddr*>(&name), size) == 0);
        server.reset(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
        REQUIRE(server);
    }

    void ask() const { REQUIRE(::write(client.get(), "?", 1) == 1); }
    void take() const {
        char byte = 0;
        REQUIRE(::read(server.get(), &byte, 1) == 1);
    }
    void answer() const { REQUIRE(::write(server.get(), "!", 1) == 1); }
    void answer_one_later() const {
        ask();
        take();
        pass_a_tick();
        answer();
        pass_a_tick();
    }
    [[nodiscard]] bool waits(pid_t process = ::getpid()) const {
        return longest_unanswered({address}, {process}).has_value();
    }

    TcpAddress address{};
    sys::Fd client;
    sys::Fd server;
};

} // namespace

TEST_SUITE_BEGIN("supervise::longest_unanswered");

TEST_CASE("what was asked waits until something is answered") {
    const Pair pair;
    pair.ask();
    CHECK(pair.waits());
    pair.take();
    CHECK(pair.waits());
    pass_a_tick();
    pair.answer();
    CHECK_FALSE(pair.waits());
}

TEST_CASE("each request on a kept connection waits for itself") {
    const Pair pair;
    pair.answer_one_later();
    CHECK_FALSE(pair.waits());
    pair.ask();
    CHECK(pair.waits());
    pair.take();
    CHECK(pair.waits());
    pass_a_tick();
    CHECK(longest_unanswered({pair.address}, {::getpid()}).value() >= 10ms);
}

TEST_CASE("what is being sent for long has waited since something was last sent to its client") {
    const Pair pair;
    SUBCASE("nothing yet") {}
    SUBCASE("the answer before") {
        pair.answer_one_later();
    }
    for (int i = 0; i < 5; ++i) {
        pair.ask();
        pair.take();
        pass_a_tick();
    }
    pair.ask();
    CHECK(longest_unanswered({pair.address}, {::getpid()}).value() >= 80ms);
}

TEST_CASE("a client that has said all that it will yet waits for the answer") {
    const Pair pair;
    pair.ask();
    pair.take();
    ::shutdown(pair.client.get(), SHUT_WR);
    CHECK(pair.waits());
    pass_a_tick();
    pair.answer();
    CHECK_FALSE(pair.waits());
}

TEST_CASE("a client that has come and not asked waits for a moment, one that has gone does not") {
    Pair pair;
    CHECK(pair.waits());
    pair.client.reset();
    CHECK_FALSE(pair.waits());
}

TEST_CASE("only connections of these processes to these addresses count") {
    const Pair pair;
    const Pair other;
    pair.answer_one_later();
    other.ask();
    CHECK_FALSE(pair.waits());
    CHECK_FALSE(other.waits(1));
    CHECK(longest_unanswered({pair.address, other.address}, {1, ::getpid()}));
    CHECK_FALSE(longest_unanswered({}, {::getpid()}));
}

TEST_SUITE_END();

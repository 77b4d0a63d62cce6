#include "core/supervise/slots.hpp"

#include "tests/unit/supervised_app.hpp"

#include <cerrno>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace shipit;
using namespace shipit::supervise;

namespace {

constexpr std::uint16_t probe_port = 64000; // above what connections are given

TcpAddress loopback(int family, std::uint16_t port) {
    TcpAddress address{family, {127, 0, 0, 1}, 0, family == AF_INET6, port};
    if (family == AF_INET6) {
        address.host = {};
        address.host.back() = 1;
    }
    return address;
}

sys::Fd socket_for(const TcpAddress& address) {
    return sys::Fd(::socket(address.family, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

// A connection to `address`, from `source_port` of the same host unless that is 0.
sys::Fd connected(const TcpAddress& address, std::uint16_t source_port = 0) {
    sys::Fd fd = socket_for(address);
    sockaddr_storage name{};
    if (source_port != 0) {
        const linger at_once{1, 0};
        const int on = 1;
        (void)::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        (void)::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        TcpAddress source = address;
        source.port = source_port;
        const socklen_t size = source.put_into(name);
        REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&name), size) == 0);
    }
    const socklen_t size = address.put_into(name);
    REQUIRE(::connect(fd.get(), reinterpret_cast<sockaddr*>(&name), size) == 0);
    return fd;
}

// On which side the next connection arrives; fails if it arrives on neither.
Side arrival(const Slots& slots) {
    pollfd polled[] = {{slots.socket(Side::a), POLLIN, 0}, {slots.socket(Side::b), POLLIN, 0}};
    REQUIRE(::poll(polled, 2, 5000) == 1);
    const Side side = polled[0].revents != 0 ? Side::a : Side::b;
    const sys::Fd taken(::accept4(slots.socket(side), nullptr, nullptr, SOCK_CLOEXEC));
    REQUIRE(taken);
    return side;
}

Slots slots_at(const TcpAddress& address, Side live) {
    return {address, socket_for(address).get(), {live, other(live), probe_port}};
}

// What a process that shares a slot has of it.
Slots::Kept left_of(const Slots& slots, Side side) {
    return {side, sys::Fd(::fcntl(slots.socket(side), F_DUPFD_CLOEXEC, 3))};
}

void check_steering(const Slots& slots, Side live) {
    for (int i = 0; i < 20; ++i) {
        const sys::Fd from_public = connected(slots.address());
        CHECK(arrival(slots) == live);
        const sys::Fd from_probe = connected(slots.address(), probe_port);
        CHECK(arrival(slots) == other(live));
    }
}

} // namespace

TEST_SUITE_BEGIN("supervise::Slots");

TEST_CASE("public connections go to the live slot, those from the probe's port to the other") {
    for (const int family : {AF_INET, AF_INET6})
        for (const Side live : {Side::a, Side::b}) {
            const TcpAddress address = loopback(family, tests::free_port());
            const Slots slots = slots_at(address, live);
            for (int i = 0; i < 50; ++i) {
                const sys::Fd from_public = connected(address);
                CHECK(arrival(slots) == live);
                const sys::Fd from_probe = connected(address, probe_port);
                CHECK(arrival(slots) == other(live));
            }
        }
}

TEST_CASE("an IPv4 client of a dual-stack address is steered as well") {
    TcpAddress any{AF_INET6, {}, 0, false, tests::free_port()};
    const Slots slots = slots_at(any, Side::a);
    const sys::Fd from_public = connected(loopback(AF_INET, any.port));
    CHECK(arrival(slots) == Side::a);
    const sys::Fd from_probe = connected(loopback(AF_INET, any.port), probe_port);
    CHECK(arrival(slots) == Side::b);
}

TEST_CASE("a client that only has the probe's port, from elsewhere, is a public one") {
    const std::uint16_t port = tests::free_port();
    const TcpAddress any{AF_INET, {}, 0, false, port};
    const Slots slots = slots_at(any, Side::a);
    sys::Fd fd = socket_for(any);
    TcpAddress source = loopback(AF_INET, probe_port);
    source.host[3] = 2; // 127.0.0.2
    sockaddr_storage name{};
    socklen_t size = source.put_into(name);
    REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&name), size) == 0);
    size = loopback(AF_INET, port).put_into(name);
    REQUIRE(::connect(fd.get(), reinterpret_cast<sockaddr*>(&name), size) == 0);
    CHECK(arrival(slots) == Side::a);
}

TEST_CASE("steering the other way takes effect for the next connection") {
    const TcpAddress address = loopback(AF_INET, tests::free_port());
    Slots slots = slots_at(address, Side::a);
    for (const Side live : {Side::b, Side::a, Side::b}) {
        slots.steer({live, other(live), probe_port});
        const sys::Fd from_public = connected(address);
        CHECK(arrival(slots) == live);
    }
}

TEST_CASE("a slot that was shut down listens again, and both are steered as before") {
    for (const Side shut : {Side::a, Side::b})
        for (const Side live : {Side::a, Side::b}) {
            const TcpAddress address = loopback(AF_INET, tests::free_port());
            Slots slots = slots_at(address, live);
            REQUIRE(::shutdown(slots.socket(shut), SHUT_RDWR) == 0);
            CHECK(slots.revive());
            CHECK_FALSE(slots.revive());
            check_steering(slots, live);
        }
}

TEST_CASE("it is known how many connections wait in a slot") {
    const TcpAddress address = loopback(AF_INET, tests::free_port());
    const Slots slots = slots_at(address, Side::b);
    const sys::Fd first = connected(address);
    const sys::Fd second = connected(address);
    CHECK(slots.waiting(Side::b) == 2);
    CHECK(slots.waiting(Side::a) == 0);
    (void)arrival(slots);
    CHECK(slots.waiting(Side::b) == 1);
}

TEST_CASE("a slot gets the options that the program had set, and loses those of the one before") {
    const TcpAddress address = loopback(AF_INET, tests::free_port());
    const Slots slots = slots_at(address, Side::a);
    const auto option = [&](int level, int name) {
        int value = -1;
        socklen_t size = sizeof value;
        (void)::getsockopt(slots.socket(Side::b), level, name, &value, &size);
        return value;
    };
    const int default_size = option(SOL_SOCKET, SO_RCVBUF);
    const sys::Fd program = socket_for(address);
    const int on = 1;
    const int buffer = 200000;
    (void)::setsockopt(program.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)::setsockopt(program.get(), SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    (void)::fcntl(program.get(), F_SETFL, O_NONBLOCK);
    slots.carry_over(program.get(), Side::b);
    CHECK(option(IPPROTO_TCP, TCP_NODELAY) != 0);
    CHECK(option(SOL_SOCKET, SO_RCVBUF) == 2 * buffer);
    CHECK((::fcntl(slots.socket(Side::b), F_GETFL) & O_NONBLOCK) != 0);

    slots.carry_over(socket_for(address).get(), Side::b);
    CHECK(option(IPPROTO_TCP, TCP_NODELAY) == 0);
    CHECK(option(SOL_SOCKET, SO_RCVBUF) == default_size);
    CHECK((::fcntl(slots.socket(Side::b), F_GETFL) & O_NONBLOCK) == 0);
}

TEST_CASE(
    "slots that an earlier owner left are steered by their places, and a missing one is made") {
    const TcpAddress address = loopback(AF_INET, tests::free_port());
    std::vector<Slots::Kept> kept;
    {
        const Slots before = slots_at(address, Side::b);
        kept.push_back(left_of(before, Side::b)); // A is closed with its owner
    }
    const Slots slots(address, std::move(kept), {Side::b, Side::a, probe_port});
    check_steering(slots, Side::b);
}

TEST_CASE("a slot that was shut down while it had no owner listens again for the next one") {
    for (const Side shut : {Side::a, Side::b})
        for (const bool is_other_left : {true, false}) {
            const TcpAddress address = loopback(AF_INET, tests::free_port());
            std::vector<Slots::Kept> kept;
            {
                const Slots before = slots_at(address, Side::a); // which stands first
                for (const Side side : sides)
                    if (side == shut || is_other_left)
                        kept.push_back(left_of(before, side));
                REQUIRE(::shutdown(before.socket(shut), SHUT_RDWR) == 0);
            }
            const Slots slots(address, std::move(kept), {Side::a, Side::b, probe_port});
            check_steering(slots, Side::a);
        }
}

TEST_CASE("slots that step aside let connections go to the wider address, at once") {
    const TcpAddress address = loopback(AF_INET, tests::free_port());
    const Slots wide = slots_at({AF_INET, {}, 0, false, address.port}, Side::a);
    const Slots narrow = slots_at(address, Side::a);
    const sys::Fd before = connected(address);
    narrow.step_aside();
    CHECK(arrival(narrow) == Side::a); // had come already
    const auto begun = std::chrono::steady_clock::now();
    for (int i = 0; i < 20; ++i) {
        const sys::Fd connection = connected(address);
        CHECK(arrival(wide) == Side::a);
    }
    // A handshake that gets no answer is begun anew after a second.
    CHECK(std::chrono::steady_clock::now() - begun < std::chrono::milliseconds(900));
}

TEST_CASE("an address that somebody else has bound is not free") {
    const TcpAddress address = loopback(AF_INET, tests::free_port());
    CHECK(is_free(address));
    const Slots slots = slots_at(address, Side::a);
    CHECK_FALSE(is_free(address));
    CHECK_FALSE(is_free({AF_INET, {}, 0, false, address.port}));
}

TEST_CASE("why there is no slot can be told as any other error") {
    const TcpAddress address = loopback(AF_INET, tests::free_port());
    const sys::Fd holder = socket_for(address);
    sockaddr_storage name{};
    const socklen_t length = address.put_into(name);
    REQUIRE(::bind(holder.get(), reinterpret_cast<const sockaddr*>(&name), length) == 0);
    CHECK_THROWS_WITH_AS((void)listening_socket(address), "Address already in use", std::exception);
}

TEST_SUITE_END();

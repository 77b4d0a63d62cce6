#include "core/supervise/port.hpp"

#include "core/sys/fd.hpp"

#include <algorithm>

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace shipit;
using namespace shipit::supervise;

namespace {

sys::Fd bound(std::uint16_t& port) {
    sys::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof name;
    REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&name), size) == 0);
    REQUIRE(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&name), &size) == 0);
    port = ntohs(name.sin_port);
    return fd;
}

bool is_ours(std::uint16_t port) {
    const auto ports = ports_of({::getpid()});
    return std::find(ports.begin(), ports.end(), port) != ports.end();
}

} // namespace

TEST_SUITE_BEGIN("supervise: ports");

TEST_CASE("who listens on a port is known from the first to the last moment that it does") {
    std::uint16_t port = 0;
    sys::Fd fd = bound(port);
    CHECK_FALSE(holder_of(port));
    CHECK_FALSE(is_ours(port));
    REQUIRE(::listen(fd.get(), 1) == 0);
    REQUIRE(holder_of(port));
    CHECK(holder_of(port)->pid == ::getpid());
    CHECK(is_ours(port));
    fd.reset();
    CHECK_FALSE(holder_of(port));
}

TEST_SUITE_END();

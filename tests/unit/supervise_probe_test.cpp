#include "core/supervise/probe.hpp"

#include "tests/unit/supervised_app.hpp"

#include <doctest/doctest.h>

using namespace shipit;
using namespace shipit::supervise;
using namespace std::chrono_literals;

namespace {

// Answers each connection with the same bytes, from a process of its own.
class CannedServer {
  public:
    enum class Then { close, hold, repeat, tell_request };

    CannedServer(int family, const std::string& answer, Then then) {
        const sys::Fd listening(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in6 v6{};
        v6.sin6_family = AF_INET6;
        v6.sin6_addr = in6addr_loopback;
        sockaddr_in v4{};
        v4.sin_family = AF_INET;
        v4.sin_addr.s_addr = htonl(INADDR_ANY); // 127.0.0.2 is another address of this host
        const bool six = family == AF_INET6;
        auto* address = six ? reinterpret_cast<sockaddr*>(&v6) : reinterpret_cast<sockaddr*>(&v4);
        socklen_t size = six ? sizeof v6 : sizeof v4;
        REQUIRE(::bind(listening.get(), address, size) == 0);
        REQUIRE(::listen(listening.get(), 8) == 0);
        REQUIRE(::getsockname(listening.get(), address, &size) == 0);
        m_port = ntohs(six ? v6.sin6_port : v4.sin_port);
        m_pid = ::fork();
        if (m_pid == 0)
            serve(listening.get(), answer, then);
    }
    ~CannedServer() {
        ::kill(m_pid, SIGKILL);
        ::waitpid(m_pid, nullptr, 0);
    }
    CannedServer(const CannedServer&) = delete;
    CannedServer& operator=(const CannedServer&) = delete;
    [[nodiscard]] std::uint16_t port() const { return m_port; }

  private:
    [[noreturn]] static void serve(int listening, const std::string& answer, Then then) {
        ::signal(SIGPIPE, SIG_IGN);
        for (;;) {
            const sys::Fd connection(::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC));
            char request[2000];
            const ssize_t size = ::read(connection.get(), request, sizeof request);
            do
                (void)!::write(connection.get(), answer.data(), answer.size());
            while (then == Then::repeat && ::usleep(100) == 0);
            if (then == Then::tell_request && size > 0)
                (void)!::write(connection.get(), request, static_cast<std::size_t>(size));
            if (then == Then::hold)
                ::pause();
        }
    }

    std::uint16_t m_port = 0;
    pid_t m_pid = 0;
};

ProbeResult probe(const ProbeTarget& target) {
    Loop loop;
    ProbeResult result;
    const Probe probing(loop, target, 300ms, [&](const ProbeResult& got) {
        result = got;
        loop.stop();
    });
    loop.run();
    return result;
}

ProbeResult probe(std::uint16_t port, const std::string& path = "/h") {
    return probe(ProbeTarget{port, path});
}

ProbeResult probe_of(const std::string& answer,
                     CannedServer::Then then = CannedServer::Then::close) {
    const CannedServer server(AF_INET, answer, then);
    ProbeResult result = probe(server.port());
    const std::string name = ":" + std::to_string(server.port());
    const auto port = result.reason.find(name);
    if (port != std::string::npos)
        result.reason.erase(port, name.size());
    return result;
}

} // namespace

TEST_SUITE_BEGIN("supervise::Probe");

TEST_CASE("200 to 399 is healthy, also where the body does not end") {
    CHECK(probe_of("HTTP/1.1 200 OK\r\n\r\nfine").healthy);
    CHECK(probe_of("HTTP/1.0 302 Found\r\nLocation: /\r\n\r\n").healthy);
    CHECK(probe_of("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", CannedServer::Then::hold)
              .healthy);
    CHECK(probe_of("HTTP/1.1 200 OK\r\n\r\nbody without an end ", CannedServer::Then::repeat)
              .healthy);
    CHECK(probe_of("HTTP/1.1 200 OK\r\n\r\n", CannedServer::Then::hold).healthy);
}

TEST_CASE("another status is a reason, with the beginning of the body, fit for a terminal") {
    const ProbeResult result = probe_of(
        "HTTP/1.1 503 Service Unavailable\r\n\r\nno \x1b[31mdatabase" + std::string(900, '.'));
    CHECK_FALSE(result.healthy);
    CHECK(result.reason.rfind("GET http://127.0.0.1/h answered 503 Service Unavailable: no "
                              "\\x1b[31mdatabase...",
                              0) == 0);
    CHECK(result.reason.size() < 300);
    CHECK(probe_of("HTTP/1.1 404 Not Found\r\n\r\n").reason ==
          "GET http://127.0.0.1/h answered 404 Not Found");
}

TEST_CASE("the answer is the one behind interim ones") {
    const std::string hints = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n";
    const std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    CHECK(probe_of(hints + "HTTP/1.1 200 OK\r\n\r\nfine").healthy);
    CHECK(
        probe_of(go_on + hints + "HTTP/1.1 200 OK\nContent-Length: 0\n\n", CannedServer::Then::hold)
            .healthy);
    CHECK(probe_of(hints + "HTTP/1.1 503 Service Unavailable\r\n\r\nno database").reason ==
          "GET http://127.0.0.1/h answered 503 Service Unavailable: no database");
    CHECK(probe_of(hints).reason ==
          "GET http://127.0.0.1/h was answered by nothing: the connection was closed");
    CHECK(probe_of(hints, CannedServer::Then::hold).reason ==
          "GET http://127.0.0.1/h did not answer within 300ms");
    CHECK(probe_of("HTTP/1.1 101 Switching Protocols\r\n\r\n", CannedServer::Then::hold).reason ==
          "GET http://127.0.0.1/h answered 101 Switching Protocols");
}

TEST_CASE("the request's Host is 127.0.0.1 whichever address is asked") {
    const std::string answer = "HTTP/1.1 500 No\r\n\r\n";
    for (const auto& [family, host] :
         {std::pair(AF_INET, "127.0.0.1"), std::pair(AF_INET, "127.0.0.2"),
          std::pair(AF_INET6, "::1")}) {
        const CannedServer server(family, answer, CannedServer::Then::tell_request);
        const ProbeResult result =
            probe({server.port(), "/h", TcpAddress::of(host, server.port())});
        CAPTURE(result.reason);
        CHECK(result.reason.ends_with("Accept: */*\\r\\nConnection: close"));
        CHECK(result.reason.find("\\nHost: 127.0.0.1:" + std::to_string(server.port()) +
                                 "\\r\\n") != std::string::npos);
    }
}

TEST_CASE("what is no answer is told as what it is") {
    CHECK(probe_of("").reason ==
          "GET http://127.0.0.1/h was answered by nothing: the connection was closed");
    CHECK(
        probe_of("SSH-2.0-OpenSSH\r\n").reason ==
        "GET http://127.0.0.1/h was answered by something that is not HTTP: SSH-2.0-OpenSSH\\r\\n");
    CHECK(probe_of("", CannedServer::Then::hold).reason ==
          "GET http://127.0.0.1/h did not answer within 300ms");
    CHECK_FALSE(probe_of("HTTP/1.1 2x0 OK\r\n\r\n").healthy);
    CHECK_FALSE(probe_of("HTTP/1.1 \r\n\r\n").healthy);
}

TEST_CASE("a server that listens on IPv6 alone is found") {
    const CannedServer server(AF_INET6, "HTTP/1.1 200 OK\r\n\r\n", CannedServer::Then::close);
    CHECK(probe(server.port()).healthy);
    CHECK(probe(server.port(), "").healthy);
}

TEST_CASE("where nothing listens, that is the reason") {
    const std::uint16_t port = tests::free_port();
    const ProbeResult result = probe(port);
    CHECK_FALSE(result.answered);
    CHECK(result.reason == "nothing listens on port " + std::to_string(port));
}

TEST_SUITE_END();

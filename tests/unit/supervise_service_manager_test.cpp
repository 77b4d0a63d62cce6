// What the service manager that started a supervisor is told: core/supervise/service_manager.cpp.
#include "tests/unit/supervised_app.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include <doctest/doctest.h>
#include <fmt/core.h>
#include <sys/un.h>

using namespace shipit;
using namespace shipit::supervise;
using namespace std::chrono_literals;
using tests::eventually;

namespace {

enum class Kind { file, abstract };

// One whose supervisor has a service manager: us.
class ServedApp : public tests::SupervisedApp {
  public:
    explicit ServedApp(Kind kind = Kind::file)
        : m_socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
        std::string address = kind == Kind::file ? (folder() / "manager.sock").string()
                                                 : fmt::format("@shipit/test/{}", ::getpid());
        sockaddr_un name{};
        name.sun_family = AF_UNIX;
        std::memcpy(name.sun_path, address.data(), address.size());
        if (kind == Kind::abstract)
            name.sun_path[0] = '\0';
        const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size());
        REQUIRE(::bind(m_socket.get(), reinterpret_cast<const sockaddr*>(&name), size) == 0);
        environment = {{"NOTIFY_SOCKET", address}};
        adjust = [this](SupervisorOptions& /*options*/) {
            for (const auto& [variable, value] : environment)
                (void)::setenv(variable.c_str(), value.c_str(), 1);
        };
    }

    // What the manager has put into the supervisor's environment.
    std::vector<std::pair<std::string, std::string>> environment;

    // How often it has said that so far.
    [[nodiscard]] std::int64_t times(const std::string& what) {
        char datagram[1000];
        for (ssize_t got = 0; (got = ::recv(m_socket.get(), datagram, sizeof datagram, 0)) > 0;)
            m_heard.emplace_back(datagram, static_cast<std::size_t>(got));
        return std::count(m_heard.begin(), m_heard.end(), what);
    }
    [[nodiscard]] bool hears(const std::string& what, std::int64_t how_often = 1) {
        return eventually([&] { return times(what) >= how_often; });
    }

  private:
    sys::Fd m_socket;
    std::vector<std::string> m_heard;
};

} // namespace

TEST_SUITE_BEGIN("supervise: service manager");

TEST_CASE("a service manager is told when the supervisor is ready, and what is live") {
    ServedApp app;
    app.set_live(app.worker(1, "sleep 1000"));
    app.supervise();
    CHECK(app.hears("READY=1"));
    CHECK(app.hears("STATUS=v1 is live, 1 of 1 processes are up"));
    CHECK(app.deploy(app.worker(2, "sleep 1000"))["ok"].boolean());
    CHECK(app.hears("STATUS=v2 is live, 1 of 1 processes are up"));
    CHECK(app.ask("stop")["ok"].boolean());
    CHECK(app.hears("STATUS=v2 is live, and stopped"));
    CHECK(app.times("READY=1") == 1);
    CHECK(app.times("WATCHDOG=1") == 0); // which nobody has asked for
}

TEST_CASE("where nothing is live, it is told so") {
    ServedApp app;
    app.supervise();
    CHECK(app.hears("STATUS=nothing is live"));
}

TEST_CASE(
    "a service manager is told that it is to wait for as long as a process may take to stop") {
    ServedApp app;
    Generation generation = app.worker(1, "sleep 1000");
    generation.programs[0].stop_timeout = 10min;
    app.set_live(generation);
    app.supervise();
    REQUIRE(eventually([&] { return app.is_up("worker.1"); }));
    CHECK(app.end_supervisor() == 0);
    CHECK(app.hears("STOPPING=1\nEXTEND_TIMEOUT_USEC=630000000"));
}

TEST_CASE("a service manager that wants to be told that the supervisor is alive is told") {
    ServedApp app(Kind::abstract);
    app.environment.emplace_back("WATCHDOG_USEC", "100000");
    app.supervise();
    CHECK(app.hears("WATCHDOG=1", 3));
}

TEST_CASE("a watchdog that is meant for another process is not fed") {
    ServedApp app;
    app.environment.emplace_back("WATCHDOG_USEC", "2000");
    app.environment.emplace_back("WATCHDOG_PID", "1");
    app.set_live(app.worker(1, "sleep 1000"));
    app.supervise();
    CHECK(app.hears("STATUS=v1 is live, 1 of 1 processes are up"));
    CHECK(app.times("WATCHDOG=1") == 0);
}

TEST_SUITE_END();

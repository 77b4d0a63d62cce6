#include "core/supervise/given_sockets.hpp"

#include "tests/unit/supervised_app.hpp"

#include <doctest/doctest.h>

using namespace shipit;
using namespace shipit::supervise;
using namespace std::chrono_literals;
using tests::eventually;
using tests::SupervisedApp;

namespace {

// Takes descriptor 3 as it comes, and neither binds nor listens. With SLEEPS, it begins late; with
// ODD, it leaves its socket as others of its kind would not like it.
constexpr const char* taking_server = R"py(
import os, socket, time
assert os.environ['LISTEN_PID'] == str(os.getpid())
listening = [socket.socket(fileno=3 + i) for i in range(int(os.environ['LISTEN_FDS']))]
assert os.get_blocking(3)
if 'ODD' in os.environ:
    os.set_blocking(3, False)
time.sleep(float(os.environ.get('SLEEPS', '0')))
print('begins', flush=True)
while True:
    try:
        client, _ = listening[0].accept()
    except BlockingIOError:
        time.sleep(0.01)
        continue
    client.setblocking(True)
    request = client.recv(1000)
    if b'/crash' in request:
        os._exit(3)
    status = os.environ.get('STATUS', '200 OK')
    client.sendall(f'HTTP/1.0 {status}\r\n\r\nrelease {os.environ["SHIPIT_RELEASE"]}'.encode())
    client.close()
)py";

struct Taking : SupervisedApp {
    Taking() { sys::replace_durably(folder() / "taking.py", taking_server, 0644); }

    [[nodiscard]] Generation taking(std::uint64_t release, const Environment& more = {}) const {
        Generation generation = web(release);
        Program& program = generation.programs.front();
        program.command = "python3 -S -E taking.py";
        program.sockets = {TcpAddress::of("127.0.0.1", port()).value()};
        program.environment.insert(program.environment.end(), more.begin(), more.end());
        return generation;
    }
    void begin_with(const Generation& generation) {
        set_live(generation);
        supervise();
        REQUIRE(eventually([this] { return is_up("web.1"); }));
    }
};

} // namespace

TEST_SUITE_BEGIN("supervise::GivenSockets");

TEST_CASE("a program that takes its sockets is handed over like one that binds them") {
    Taking app;
    app.begin_with(app.taking(1));
    CHECK(app.serves("v1"));
    const pid_t old = app.pid_of("web.1");
    const Json answer = app.deploy(app.taking(2));
    INFO(answer.dump());
    CHECK(answer["ok"].boolean());
    CHECK(app.serves("v2"));
    CHECK(app.pid_of("web.1") != old);
}

TEST_CASE("the health check decides when it is ready, though its socket listens before") {
    Taking app;
    app.begin_with(app.taking(1));
    Client client(app.run());
    client.send(Json::object(
        {{"request", "replace"}, {"generation", to_json(app.taking(2, {{"SLEEPS", "0.5"}}))}}));
    std::string events;
    for (bool is_healthy = false; !is_healthy;) {
        CHECK(app.serves("v1")); // as long as it is not
        const auto message = client.next(5s);
        REQUIRE(message);
        events += (*message)["event"].text() + " ";
        is_healthy = (*message)["event"].text() == "healthy";
    }
    CHECK(events == "starting healthy ");
    CHECK(app.serves("v2"));
}

TEST_CASE("one that answers its health check with an error gets no request of the public") {
    Taking app;
    app.begin_with(app.taking(1));
    Generation bad = app.taking(2, {{"STATUS", "500 Broken"}});
    bad.health.timeout = 500ms;
    const Json answer = app.deploy(bad);
    CHECK_FALSE(answer["ok"].boolean());
    CHECK(answer["why"].text().find("answered 500") != std::string::npos);
    CHECK(app.serves("v1"));
}

TEST_CASE("without a check, staying up for a second with its sockets is enough") {
    Taking app;
    app.begin_with(app.taking(1));
    Generation next = app.taking(2);
    next.health.path.clear();
    const auto begin = std::chrono::steady_clock::now();
    CHECK(app.deploy(next)["ok"].boolean());
    CHECK(std::chrono::steady_clock::now() - begin >= 1s);
    CHECK(app.serves("v2"));
}

TEST_CASE("while it is started again after a crash, connections wait") {
    Taking app;
    app.begin_with(app.taking(1));
    CHECK(app.get("/crash").empty());
    CHECK(app.serves("v1")); // the first that asks, already
    CHECK(app.process("web.1")["restarts"].integer() == 1);
}

TEST_CASE("a socket that the generation before left non-blocking blocks again") {
    Taking app;
    app.begin_with(app.taking(1, {{"ODD", "1"}}));
    for (const std::uint64_t release : {2U, 3U}) { // the third is where the first was
        const Json answer = app.deploy(app.taking(release));
        INFO(answer.dump());
        CHECK(answer["ok"].boolean());
    }
    CHECK(app.serves("v3"));
    CHECK(app.get("/crash").empty());
    CHECK(app.serves("v3"));
}

TEST_CASE("a release that binds its port gives way to one that takes it, and back") {
    Taking app;
    app.begin_with(app.web(1));
    CHECK(app.deploy(app.taking(2))["ok"].boolean());
    CHECK(app.serves("v2"));
    Generation binding = app.web(3);
    binding.programs.front().environment.emplace_back("UNLIKE", "v1"); // which is still warm
    CHECK(app.deploy(binding)["ok"].boolean());
    CHECK(app.serves("v3"));
}

TEST_CASE("going back within the warm window starts nothing") {
    Taking app;
    app.begin_with(app.taking(1));
    const pid_t first = app.pid_of("web.1");
    CHECK(app.deploy(app.taking(2, {{"MORE", "1"}}))["ok"].boolean());
    CHECK(app.serves("v2"));
    CHECK(app.deploy(app.taking(3))["ok"].boolean());
    CHECK(app.pid_of("web.1") == first);
    CHECK(app.serves("v1")); // as that very process was started
}

TEST_CASE("a killed supervisor's sockets are the next one's, and go on to be handed over") {
    Taking app;
    app.begin_with(app.taking(1));
    const pid_t web = app.pid_of("web.1");
    app.kill_supervisor();
    app.supervise();
    CHECK(app.pid_of("web.1") == web);
    const Json answer = app.deploy(app.taking(2));
    INFO(answer.dump());
    CHECK(answer["ok"].boolean());
    CHECK(app.serves("v2"));
    CHECK(sys::read_file(app.log() / "supervisor.log").find("in_turn") == std::string::npos);
}

TEST_CASE("a port that another program has is told") {
    Taking app;
    const sys::Fd other = listening_socket(TcpAddress::of("127.0.0.1", app.port()).value());
    app.supervise();
    const Json answer = app.deploy(app.taking(1));
    INFO(answer.dump());
    CHECK(answer["why"].text().find("is in use by") != std::string::npos);
}

TEST_CASE("where there are no slots, a program is given sockets of its own") {
    const std::uint16_t port = tests::free_port();
    Program program;
    program.sockets = {TcpAddress::of("", port).value(), TcpAddress::of("127.0.0.1", port).value()};
    const GivenSockets given(nullptr, Side::a, program);
    const GivenSockets sibling(nullptr, Side::a, program);
    REQUIRE(given.all().size() == 2);
    CHECK(given.all().front().name == std::to_string(port));
    CHECK(sibling.all().size() == 2);
}

TEST_CASE(
    "what the web is given sockets of is for the web, and so is what its health is asked on") {
    const Taking app;
    Generation generation = app.taking(1);
    generation.programs.front().sockets.push_back(TcpAddress::of("127.0.0.1", 9000).value());
    CHECK(generation.web_ports() == std::vector<std::uint16_t>{app.port(), app.port(), 9000});
    generation.programs.front().type = "worker";
    CHECK(generation.web_ports().empty());
}

TEST_SUITE_END();

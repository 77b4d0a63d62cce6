#include "core/supervise/first_requests.hpp"

#include "core/base/text.hpp"
#include "tests/unit/replacing_app.hpp"

#include <thread>

#include <doctest/doctest.h>

using namespace shipit;
using namespace shipit::supervise;
using namespace std::chrono_literals;
using tests::eventually;
using tests::free_port;
using tests::Serving;

namespace {

// As many workers as it forks, who write a line for each request that they answer.
constexpr const char* forking_server = R"py(
import os, signal, socket
listening = socket.socket()
listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listening.bind(('127.0.0.1', int(os.environ['PORT'])))
for worker in range(int(os.environ['WORKERS'])):
    if os.fork() == 0:
        while True:
            connection, _ = listening.accept()
            connection.recv(4096)
            with open('answered', 'a') as answered:
                answered.write('one\n')
                answered.flush()
                if answered.tell() == 4 * int(os.environ.get('ENDS_AT', '-1')):
                    os.kill(os.getppid(), signal.SIGKILL)
                    signal.pause()
            connection.sendall(b'HTTP/1.0 200 OK\r\n\r\nrelease v2')
            connection.close()
listening.listen()
os.wait()
)py";

Generation forking(const Serving& app, unsigned workers) {
    sys::replace_durably(app.folder() / "forking.py", forking_server, 0644);
    Generation next = app.web(2);
    next.health.passes = 3;
    next.programs[0].command = "python3 -S -E forking.py";
    next.programs[0].environment.emplace_back("WORKERS", std::to_string(workers));
    return next;
}

std::size_t answered(const Serving& app) {
    const std::string lines = sys::read_file(app.folder() / "answered");
    return static_cast<std::size_t>(std::count(lines.begin(), lines.end(), '\n'));
}

} // namespace

TEST_SUITE_BEGIN("supervise::FirstRequests");

TEST_CASE("first requests keep as many workers busy at once as there may be") {
    const std::uint16_t port = free_port();
    const sys::Fd listening = listening_socket({AF_INET, {127, 0, 0, 1}, 0, false, port});
    std::string asked;
    std::thread workers([&] {
        std::vector<sys::Fd> connections;
        for (int n = 0; n < 3; ++n) // nobody is answered before the last one has come
            connections.emplace_back(::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
        for (const sys::Fd& connection : connections) {
            char request[2000];
            const ssize_t size = ::read(connection.get(), request, sizeof request);
            asked += std::string(request, static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
        }
    });
    Loop loop;
    FirstRequests first(loop, ProbeTarget{port, "/h"}, 3, [&] { loop.stop(); });
    loop.run();
    workers.join();
    CHECK(split(asked, '\n').size() > 3);
    for (const std::string_view line : split(asked, '\n'))
        if (line.starts_with("GET"))
            CHECK(line == "GET /h HTTP/1.1\r");
}

TEST_CASE("a program whose answers never come does not keep a deploy for ever") {
    const std::uint16_t port = free_port();
    const sys::Fd listening = listening_socket({AF_INET, {127, 0, 0, 1}, 0, false, port});
    Loop loop;
    const sys::Deadline deadline(tests::patience);
    FirstRequests first(loop, ProbeTarget{port, "/h"}, 100, [&] { loop.stop(); });
    loop.run();
    CHECK_FALSE(deadline.passed());
}

TEST_CASE("a program of several processes is asked once for each before clients ask it") {
    Serving app;
    REQUIRE(app.deploy(forking(app, 2))["ok"].boolean());
    CHECK(answered(app) == 3 + 3); // the checks, and its three processes
}

TEST_CASE("a program that ends at its first requests does not go live") {
    Serving app;
    Generation next = forking(app, 2);
    next.programs[0].environment.emplace_back("ENDS_AT", "5");
    const Json answer = app.deploy(next);
    CHECK_FALSE(answer["ok"].boolean());
    CHECK(app.serves("v1"));
}

TEST_SUITE_END();

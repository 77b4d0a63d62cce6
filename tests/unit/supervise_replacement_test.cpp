#include "core/supervise/replacement.hpp"

#include "core/base/text.hpp"
#include "tests/unit/replacing_app.hpp"

#include <doctest/doctest.h>
#include <fmt/core.h>

using namespace shipit;
using namespace shipit::supervise;
using namespace std::chrono_literals;
using tests::eventually;
using tests::last_of;
using tests::replace_request;
using tests::Serving;
using tests::SupervisedApp;
using tests::wait_for;
using tests::with_slow_worker;

namespace {

// A web server that is not asked for a path.
Generation without_path(const SupervisedApp& app, std::uint64_t release) {
    Generation generation = app.web(release);
    generation.health.path.clear();
    return generation;
}

} // namespace

TEST_SUITE_BEGIN("supervise::Replacement");

TEST_CASE("a healthy generation takes the place of the old one, and is good after its watch") {
    Serving app;
    const pid_t old = app.pid_of("web.1");
    Generation next = app.web(2);
    next.warm = 0ms;
    const Json answer = app.deploy(next);
    CHECK(answer["ok"].boolean());
    CHECK(app.serves("v2"));
    CHECK(app.process("web.1")["release"].text() == "v2");
    CHECK(eventually([&] { return app.told() == "good v2\n"; }));
    CHECK(eventually([&] { return !sys::is_there("/proc/" + std::to_string(old)); }));
}

TEST_CASE("the first generation of an app is started the same way") {
    SupervisedApp app;
    app.supervise();
    CHECK(app.deploy(app.web(1))["ok"].boolean());
    CHECK(app.serves("v1"));
}

TEST_CASE("what the first generation leaves to run behind itself is not taken for a leftover") {
    SupervisedApp app;
    app.supervise();
    Generation first = app.web(1);
    first.programs[0].command =
        "(setsid sleep 1000 & echo $! > helper); exec python3 -S -E server.py";
    CHECK(app.deploy(first)["ok"].boolean());
    const pid_t helper = std::stoi(sys::read_file(app.folder() / "helper"));
    CHECK(::kill(helper, 0) == 0);
}

TEST_CASE(
    "a failing health check is refused with its reason, and the old generation serves again") {
    Serving app;
    Generation broken = app.web(2);
    broken.programs[0].environment.emplace_back("STATUS", "503");
    broken.health.timeout = 4s;
    const Json answer = app.deploy(broken);
    CHECK_FALSE(answer["ok"].boolean());
    CHECK(answer["why"].text() == "GET http://127.0.0.1:" + std::to_string(app.port()) +
                                      "/healthz answered 503 Service Unavailable: release v2; "
                                      "it was not healthy within 4s");
    CHECK(answer["evidence"].text() == "web.1: listening\n");
    CHECK(answer["serving"].text() == "v1");
    CHECK(app.serves("v1"));
}

TEST_CASE("an exit during the gate is told with its status, its time and the last lines") {
    Serving app;
    Generation broken = app.web(2);
    broken.programs[0].command = "echo cannot open the database; exit 1";
    const Json answer = app.deploy(broken);
    CHECK(answer["why"].text().rfind("web.1 exited with status 1 after 0.", 0) == 0);
    CHECK(answer["evidence"].text() == "web.1: cannot open the database\n");
    CHECK(answer["serving"].text() == "v1");
}

TEST_CASE("what ended during the gate is not started again") {
    Serving app;
    const sys::Path starts = app.folder() / "starts";
    Generation broken = app.web(2);
    broken.programs[0].command = "echo started >> " + starts.string() + "; exit 1";
    CHECK_FALSE(app.deploy(broken)["ok"].boolean());
    CHECK(sys::read_file(starts) == "started\n");
}

TEST_CASE("a command that does not exist is told by name") {
    Serving app;
    Generation broken = app.web(2);
    broken.programs[0].command = "gunicron mysite";
    const Json answer = app.deploy(broken);
    CHECK(answer["why"].text() ==
          "web.1 could not be started: there is no command 'gunicron' in the app's PATH");
    CHECK(app.serves("v1"));
}

TEST_CASE("a generation that listens elsewhere is told where") {
    Serving app;
    const std::uint16_t other = tests::free_port();
    Generation broken = app.web(2);
    broken.programs[0].environment[1].second = std::to_string(other);
    broken.health.timeout = 4s;
    const Json answer = app.deploy(broken);
    CHECK(answer["why"].text() == "nothing listens on port " + std::to_string(app.port()) +
                                      ", but it listens on port " + std::to_string(other) +
                                      "; it was not healthy within 4s");
}

#ifdef __x86_64__ // where a program can be another architecture's for the length of a call
// Binds its port by i386's system call, which the filter does not report.
constexpr const char* unseen_server = R"py(
import ctypes, http.server, mmap, os, socket, struct
page = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x40, 7) # below 4 GiB
start = ctypes.addressof(ctypes.c_char.from_buffer(page))
code = bytes.fromhex('53 b869010000 89fb 89f1 cd80 5b c3') # int 0x80
page[:len(code)] = code
page[64:80] = struct.pack('=HxxI8x', socket.AF_INET, 0x0100007f)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(('release ' + os.environ['SHIPIT_RELEASE']).encode())
class Server(http.server.HTTPServer):
    def server_bind(self):
        self.socket.setsockopt(1, 2, 1)
        page[66:68] = struct.pack('!H', self.server_address[1])
        bind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_uint, ctypes.c_uint)(start)
        assert bind(self.socket.fileno(), start + 64, 16) == 0
        self.server_name, self.server_port = 'localhost', self.server_address[1]
Server(('127.0.0.1', int(os.environ['PORT'])), Handler).serve_forever()
)py";

TEST_CASE("what binds unseen by the supervisor is told what to do, and is deployed in turn then") {
    SupervisedApp app;
    sys::replace_durably(app.folder() / "unseen.py", unseen_server, 0644);
    app.supervise();
    const auto unseen = [&app](std::uint64_t release) {
        Generation generation = app.web(release);
        generation.programs[0].command = "exec python3 -S -E unseen.py";
        generation.hands_over = false;
        return generation;
    };
    Generation gated = unseen(1);
    gated.hands_over = true;
    gated.health.timeout = 3s;
    const std::string why = app.deploy(gated)["why"].text();
    CHECK(why.starts_with(fmt::format("nothing listens on port {}, but process ", app.port())));
    CHECK(why.ends_with(" (python3) does, by a bind(2) that the kernel did not report: "
                        "app.handover=restart lets it; it was not healthy within 3s"));
    CHECK(app.deploy(unseen(2))["ok"].boolean());
    CHECK(app.serves("v2"));
    CHECK(app.deploy(unseen(3))["ok"].boolean());
    CHECK(app.serves("v3"));
    // What is seen comes in turn after it, and by hand-over after that.
    CHECK(app.deploy(app.web(4))["ok"].boolean());
    CHECK(app.serves("v4"));
    const auto log = [&app] { return sys::read_file(app.log() / "supervisor.log"); };
    CHECK(
        log().find("(python3) has a socket of its own, whose bind(2) the kernel did not report") !=
        std::string::npos);
    const std::size_t before = log().size();
    CHECK(app.deploy(app.web(5))["ok"].boolean());
    CHECK(log().find("in_turn", before) == std::string::npos);
}
#endif

TEST_CASE("a port that somebody else holds is told with the holder") {
    SupervisedApp app;
    app.supervise();
    const sys::Fd holder(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(app.port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(holder.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(holder.get(), 1) == 0);
    const Json answer = app.deploy(app.web(1));
    CHECK(answer["why"].text() == "port " + std::to_string(app.port()) + " is in use by process " +
                                      std::to_string(::getpid()) + " (unit)");
    CHECK(answer["serving"].is_null());
}

TEST_CASE("a first generation that fails leaves nothing running") {
    SupervisedApp app;
    app.supervise();
    Generation broken = app.web(1);
    broken.programs[0].environment.emplace_back("STATUS", "500");
    broken.health.timeout = 3s;
    const Json answer = app.deploy(broken);
    CHECK_FALSE(answer["ok"].boolean());
    CHECK(answer["serving"].is_null());
    CHECK(app.get().empty());
    CHECK(app.ask("status")["processes"].items().empty());
}

TEST_CASE("a health command decides by its exit status, and its output is kept") {
    Serving app;
    Generation next = without_path(app, 2);
    next.health.command = "echo checking $SHIPIT_RELEASE; exit 4";
    next.health.timeout = 3s;
    Json answer = app.deploy(next);
    CHECK(answer["why"].text().rfind("the health command 'echo checking $SHIPIT_RELEASE; exit 4' "
                                     "exited with status 4: checking v2",
                                     0) == 0);
    next.health.command = "true";
    next.health.timeout = 5s;
    answer = app.deploy(next);
    CHECK(answer["ok"].boolean());
}

TEST_CASE("a health command's connections go to the new generation, while the public's do not") {
    Serving app;
    Generation next = without_path(app, 2);
    next.health.command =
        "python3 -S -E -c \"import os, sys, urllib.request as u; sys.exit(b'release v2' "
        "not in u.urlopen('http://localhost:' + os.environ['PORT']).read())\"";
    next.health.passes = 3;
    Client client(app.run());
    client.send(replace_request(next));
    wait_for(client, "starting");
    CHECK(app.serves("v1"));
    wait_for(client, "healthy");
    CHECK(app.serves("v2"));
}

TEST_CASE("without a check, listening and staying up for a second is enough") {
    Serving app;
    Generation next = without_path(app, 2);
    CHECK(app.deploy(next)["ok"].boolean());
    CHECK(app.serves("v2"));
}

TEST_CASE("without a check, a server that ends below a process that goes on fails its release") {
    Serving app;
    Generation next = without_path(app, 2);
    next.health.timeout = 4s;
    next.programs[0].command =
        "timeout -s KILL 0.7 python3 -S -E server.py & wait; exec tail -f /dev/null";
    const Json answer = app.deploy(next);
    CHECK(answer["why"].text() == fmt::format("nothing listens on port {} any more; it was not "
                                              "healthy within 4s",
                                              app.port()));
    CHECK(app.serves("v1"));
}

TEST_CASE("without a check, a server that ends in the watch below what goes on fails the watch") {
    Serving app;
    Generation next = without_path(app, 2);
    next.health.watch = 60s;
    next.programs[0].command = "python3 -S -E server.py & wait; exec tail -f /dev/null";
    Client client(app.run());
    client.send(replace_request(next));
    wait_for(client, "healthy");
    app.set_live(next);
    client.send(Json::object({{"request", "commit"}}));
    wait_for(client, "committed");
    (void)app.get("/crash");
    const Json end = last_of(client);
    CHECK(end["watch_failed"].boolean());
    CHECK(end["why"].text() == fmt::format("nothing listens on port {} any more", app.port()));
}

TEST_CASE("a worker that ends fails the generation it belongs to") {
    Serving app;
    Generation next = without_path(app, 2);
    next.programs.push_back(app.program("worker.1", 2, "sh -c 'sleep 0.3; exit 9'"));
    const Json answer = app.deploy(next);
    INFO(answer.dump());
    CHECK(answer["why"].text().rfind("worker.1 exited with status 9 after 0.", 0) == 0);
    CHECK(app.serves("v1"));
}

TEST_CASE("an exit while the old generation's worker is being stopped fails the new one") {
    Serving app;
    REQUIRE(app.deploy(with_slow_worker(app, 2))["ok"].boolean());
    Generation next = app.web(3);
    // It falls once, and would be well when it is looked at the next time.
    next.programs[0].command = "if [ ! -e fallen ]; then python3 -S -E server.py & "
                               "until [ -e fall ]; do sleep 0.02; done; touch fallen; exit 9; fi; "
                               "exec python3 -S -E server.py";
    Client client(app.run());
    client.send(replace_request(next));
    wait_for(client, "stopping");
    sys::replace_durably(app.folder() / "fall", "", 0644);
    const Json answer = last_of(client, "healthy");
    INFO(answer.dump());
    CHECK(answer["why"].text().starts_with("web.1 exited with status 9 after "));
    CHECK(answer["serving"].text() == "v2");
    CHECK(app.serves("v2"));
}

TEST_CASE("what is ill when the old generation's worker has stopped gets no traffic") {
    Serving app;
    REQUIRE(app.deploy(with_slow_worker(app, 2))["ok"].boolean());
    Generation next = without_path(app, 3);
    next.health.command = "[ ! -e ill ]";
    next.health.timeout = 1s;
    Client client(app.run());
    client.send(replace_request(next));
    wait_for(client, "stopping");
    sys::replace_durably(app.folder() / "ill", "", 0644);
    const Json answer = last_of(client, "healthy");
    INFO(answer.dump());
    CHECK(answer["serving"].text() == "v2");
    CHECK(app.serves("v2"));
}

TEST_CASE("a replacement is cancelled at any time before the commit") {
    Serving app;
    Client client(app.run());
    client.send(replace_request(app.web(2)));
    wait_for(client, "healthy");
    const Json answer = client.ask(Json::object({{"request", "abort"}}), 5s);
    CHECK(answer["why"].text() == "it was cancelled");
    CHECK(answer["serving"].text() == "v1");
    CHECK(app.serves("v1"));
}

TEST_CASE("what a health check was answered says more than that it has not been answered again") {
    Serving app;
    sys::replace_durably(app.folder() / "server.py", R"py(
import os, socket, time
server = socket.create_server(('127.0.0.1', int(os.environ['PORT'])))
connection, _ = server.accept()
connection.recv(1000)
connection.sendall(b'HTTP/1.0 500 Broken\r\n\r\n')
connection.close()
connection, _ = server.accept()
time.sleep(1000)
)py",
                         0644);
    Generation next = app.web(2);
    next.health.timeout = 2s;
    const Json end = app.deploy(next);
    INFO(end.dump());
    CHECK(end["why"].text().find("answered 500 Broken") != std::string::npos);
    CHECK(app.serves("v1"));
}

TEST_CASE("a cancel that comes with the last health check's answer, and before it, counts") {
    Serving app;
    sys::replace_durably(app.folder() / "server.py", R"py(
import os, socket, time
server = socket.create_server(('127.0.0.1', int(os.environ['PORT'])))
connection, _ = server.accept()
connection.recv(1000)
open('asked', 'w').close()
while not os.path.exists('go'):
    time.sleep(0.01)
connection.sendall(b'HTTP/1.0 200 OK\r\n\r\n')
connection.close()
open('answered', 'w').close()
time.sleep(1000)
)py",
                         0644);
    Generation next = app.web(2);
    next.health.passes = 1;
    next.health.timeout = 1h;
    Client client(app.run());
    client.send(replace_request(next));
    REQUIRE(eventually([&] { return sys::is_there(app.folder() / "asked"); }));
    REQUIRE(::kill(app.pid(), SIGSTOP) == 0);
    REQUIRE(::waitpid(app.pid(), nullptr, WUNTRACED) == app.pid());
    client.send(Json::object({{"request", "abort"}}));
    sys::replace_durably(app.folder() / "go", "", 0644);
    const bool is_answered = eventually([&] { return sys::is_there(app.folder() / "answered"); });
    REQUIRE(::kill(app.pid(), SIGCONT) == 0);
    CHECK(is_answered);
    CHECK(last_of(client)["why"].text() == "it was cancelled");
    CHECK(app.serves("v1"));
}

TEST_CASE("one change at a time: another is told that the supervisor is busy") {
    Serving app;
    Client client(app.run());
    client.send(replace_request(app.web(2)));
    wait_for(client, "healthy");
    const Json answer = app.ask("restart");
    CHECK(answer["busy"].boolean());
    CHECK(answer["why"].text() == "the supervisor is busy replacing the running release");
    CHECK(app.ask("status")["ok"].boolean());
}

TEST_CASE("an exit within the watch is told to the client and to the callback") {
    Serving app;
    Generation next = app.web(2);
    next.health.watch = 5s;
    Client client(app.run());
    const Json answer = client.ask(replace_request(next), 8s, [&](const Json& event) {
        if (event["event"].text() == "healthy") {
            app.set_live(next);
            client.send(Json::object({{"request", "commit"}}));
        } else if (event["event"].text() == "committed") {
            (void)app.get("/crash");
        }
    });
    CHECK_FALSE(answer["ok"].boolean());
    CHECK(answer["watch_failed"].boolean());
    CHECK(answer["why"].text().rfind("web.1 exited with status 3 after ", 0) == 0);
    CHECK(eventually([&] { return !app.told().empty(); }));
    CHECK(app.told().rfind("failed v2: web.1 exited with status 3 after ", 0) == 0);
    CHECK(app.told().find("(kept)") != std::string::npos);
}

TEST_CASE("a watch that nobody waits for goes on, and ends when another release comes") {
    Serving app;
    Generation next = app.web(2);
    next.health.watch = 60s;
    {
        Client client(app.run());
        client.send(replace_request(next));
        wait_for(client, "healthy");
        app.set_live(next);
        client.send(Json::object({{"request", "commit"}}));
        wait_for(client, "committed");
    }
    CHECK(app.ask("status")["watching"].boolean());
    CHECK(app.deploy(app.web(3))["ok"].boolean());
    CHECK(eventually([&] { return app.told() == "good v3\n"; }));
}

TEST_CASE("a start within the watch lets the watch go on, for the client that waits for it") {
    Serving app;
    Generation next = app.web(2);
    next.health.watch = 60s;
    Client client(app.run());
    client.send(replace_request(next));
    wait_for(client, "healthy");
    app.set_live(next);
    client.send(Json::object({{"request", "commit"}}));
    wait_for(client, "committed");
    CHECK(app.ask("start")["ok"].boolean());
    CHECK(app.ask("status")["watching"].boolean());
    (void)app.get("/crash");
    const Json end = last_of(client);
    CHECK(end["watch_failed"].boolean());
    CHECK(end["why"].text().starts_with("web.1 exited with status 3 after "));
    CHECK(eventually([&] { return app.told().find("(kept)") != std::string::npos; }));
}

TEST_CASE("an exit while a start looks at a release in its watch fails the watch") {
    Serving app;
    Generation next = app.web(2);
    next.health.watch = 60s;
    next.health.path.clear();
    next.health.command = "[ ! -e ask ] || { touch asked; sleep 1000; }";
    Client client(app.run());
    client.send(replace_request(next));
    wait_for(client, "healthy");
    app.set_live(next);
    client.send(Json::object({{"request", "commit"}}));
    wait_for(client, "committed");
    sys::replace_durably(app.folder() / "ask", "", 0644);
    Client starting(app.run());
    starting.send(Json::object({{"request", "start"}}));
    REQUIRE(eventually([&] { return sys::is_there(app.folder() / "asked"); }));
    (void)app.get("/crash");
    CHECK(last_of(client)["watch_failed"].boolean());
}

TEST_SUITE_END();

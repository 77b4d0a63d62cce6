// Requests that a generation has taken when it is to go, and that its program would not answer
// after SIGTERM.
#include "core/sys/file.hpp"
#include "tests/unit/supervised_app.hpp"

#include <doctest/doctest.h>

#include <future>

using namespace shipit;
using namespace shipit::supervise;
using namespace std::chrono_literals;
using tests::eventually;
using tests::SupervisedApp;

namespace {

// Answers each connection in a thread, or a process, of its own; to /slow only when `go` is there.
constexpr const char* patient_server = R"py(
import os, signal, socket, sys, threading, time
def answer(connection):
    while request := connection.recv(4096):
        if b'/slow' in request:
            open('taken', 'w').close()
            while not os.path.exists('go'):
                time.sleep(0.01)
        body = 'release ' + os.environ['SHIPIT_RELEASE']
        status = 503 if b'/healthz' in request and os.path.exists('broken') else 200
        head = f'HTTP/1.1 {status} So\r\nContent-Length: {len(body)}\r\n\r\n'
        connection.sendall((head + body).encode())
        if b'keep-alive' not in request:
            break
    connection.close()
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
server = socket.create_server(('127.0.0.1', int(os.environ['PORT'])))
while True:
    connection, _ = server.accept()
    if sys.argv[1] == 'threads':
        threading.Thread(target=answer, args=[connection]).start()
        continue
    if os.fork() == 0:
        answer(connection)
        os._exit(0)
    connection.close()
)py";

// v1 serves.
struct PatientApp : SupervisedApp {
    explicit PatientApp(const std::string& by = "threads") : m_by(by) {
        sys::replace_durably(folder() / "patient.py", patient_server, 0644);
        set_live(patient(1));
        supervise();
        REQUIRE(eventually([this] { return is_up("web.1"); }));
    }

    [[nodiscard]] Generation patient(std::uint64_t release) const {
        Generation generation = web(release);
        generation.programs[0].command = "python3 -S -E patient.py " + m_by;
        generation.warm = 0ms;
        return generation;
    }

    // One that the live generation has taken.
    [[nodiscard]] std::future<std::string> slow_request() const {
        auto answer = std::async(std::launch::async, [this] { return get("/slow"); });
        REQUIRE(eventually([this] { return sys::is_there(folder() / "taken"); }));
        return answer;
    }
    void let_answer() const { sys::replace_durably(folder() / "go", "", 0644); }

    [[nodiscard]] bool notes(const std::string& what) const {
        return sys::read_file(log() / supervisor_log_name).find(what) != std::string::npos;
    }

  private:
    std::string m_by;
};

bool runs(pid_t pid) {
    return sys::is_there("/proc/" + std::to_string(pid));
}

// Asks for a replacement, and waits until it has the traffic.
void begin_to_replace(Client& client, const Generation& next) {
    client.send(Json::object({{"request", "replace"}, {"generation", to_json(next)}}));
    for (;;) {
        const auto message = client.next(tests::patience);
        REQUIRE(message);
        REQUIRE_FALSE((*message)["done"].boolean());
        if ((*message)["event"].text() == "healthy")
            return;
    }
}

// A connection on which one request was answered, and which is kept.
sys::Fd kept_connection(std::uint16_t port) {
    sys::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    const std::string request = "GET / HTTP/1.1\r\nConnection: keep-alive\r\n\r\n";
    char answer[1000];
    REQUIRE(::write(fd.get(), request.data(), request.size()) > 0);
    REQUIRE(::read(fd.get(), answer, sizeof answer) > 0);
    return fd;
}

} // namespace

TEST_SUITE_BEGIN("supervise::Retirement");

TEST_CASE("what was asked of a release whose deploy is cancelled is answered, and then it ends") {
    const PatientApp app;
    Client client(app.run());
    begin_to_replace(client, app.patient(2));
    auto answer = app.slow_request();
    const Json end = client.ask(Json::object({{"request", "abort"}}), tests::patience);
    CHECK(end["why"].text() == "it was cancelled");
    CHECK(end["serving"].text() == "v1");
    CHECK(app.serves("v1"));
    app.let_answer();
    CHECK(answer.get().find("release v2") != std::string::npos);
    CHECK(eventually([&] { return app.ask("status")["processes"].items().size() == 1; }));
    CHECK(app.process("web.1")["release"].text() == "v1");
}

TEST_CASE("what was asked of a release whose deploy was killed is answered") {
    const PatientApp app;
    auto client = std::make_unique<Client>(app.run());
    begin_to_replace(*client, app.patient(2));
    auto answer = app.slow_request();
    client.reset();
    CHECK(eventually([&] { return app.serves("v1"); }));
    app.let_answer();
    CHECK(answer.get().find("release v2") != std::string::npos);
}

TEST_CASE("what was asked of one process is answered, though another one's end is its release's") {
    const PatientApp app;
    Client client(app.run());
    Generation next = app.patient(2);
    next.programs.push_back(app.program("worker.1", 2, "sleep 1000"));
    next.programs.back().overlaps = true;
    begin_to_replace(client, next);
    auto answer = app.slow_request();
    ::kill(app.pid_of("worker.1"), SIGKILL);
    Json end;
    while (!end["done"].boolean())
        end = client.next(tests::patience).value();
    CHECK(end["serving"].text() == "v1");
    app.let_answer();
    CHECK(answer.get().find("release v2") != std::string::npos);
}

TEST_CASE(
    "what was asked of a release that its supervisor's end kept from going live is answered") {
    PatientApp app;
    Client client(app.run());
    begin_to_replace(client, app.patient(2));
    auto answer = app.slow_request();
    app.kill_supervisor();
    app.supervise();
    CHECK(eventually([&] { return app.serves("v1"); }));
    app.let_answer();
    CHECK(answer.get().find("release v2") != std::string::npos);
    CHECK(eventually([&] { return app.ask("status")["processes"].items().size() == 1; }));
}

TEST_CASE("what was asked of a warm release is answered, though going back to it fails") {
    const PatientApp app;
    auto answer = app.slow_request();
    Generation next = app.patient(2);
    next.warm = 1h;
    CHECK(app.deploy(next)["ok"].boolean());
    sys::replace_durably(app.folder() / "broken", "", 0644);
    Generation back = app.patient(1);
    back.health.timeout = 300ms;
    const Json end = app.deploy(back);
    CHECK(end["why"].text().find("answered 503 So") != std::string::npos);
    CHECK(end["serving"].text() == "v2");
    app.let_answer();
    CHECK(answer.get().find("release v1") != std::string::npos);
}

TEST_CASE("a request that takes longer than a second is answered by the release before") {
    std::string by;
    SUBCASE("in its process") {
        by = "threads";
    }
    SUBCASE("in a child of it") {
        by = "processes";
    }
    const PatientApp app(by);
    const pid_t old = app.pid_of("web.1");
    auto answer = app.slow_request();
    CHECK(app.deploy(app.patient(2))["ok"].boolean());
    CHECK(eventually([&] { return app.notes("v1 has requests that it is to answer yet"); }));
    CHECK(runs(old));
    app.let_answer();
    CHECK(answer.get().find("release v1") != std::string::npos);
    CHECK(eventually([&] { return !runs(old); }));
}

TEST_CASE("a kept connection on which nothing is asked does not hold the release before") {
    const PatientApp app;
    const pid_t old = app.pid_of("web.1");
    const sys::Fd kept = kept_connection(app.port());
    CHECK(app.deploy(app.patient(2))["ok"].boolean());
    CHECK(eventually([&] { return !runs(old); }));
    CHECK_FALSE(app.notes("to answer yet"));
}

TEST_CASE("a stop waits for no request") {
    const PatientApp app;
    auto answer = app.slow_request();
    CHECK(app.deploy(app.patient(2))["ok"].boolean());
    CHECK(eventually([&] { return app.notes("v1 has requests that it is to answer yet"); }));
    CHECK(app.ask("stop")["ok"].boolean());
    CHECK(answer.get().empty());
}

TEST_SUITE_END();

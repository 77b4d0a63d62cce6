// Requests that a generation has taken when it is to go, and that its program would not answer
// after SIGTERM.
#include "core/supervise/crew.hpp"
#include "core/supervise/retirement.hpp"

#include "core/sys/clock.hpp"
#include "core/sys/file.hpp"
#include "tests/unit/supervised_app.hpp"

#include <doctest/doctest.h>

#include <future>
#include <thread>

using namespace shipit;
using namespace shipit::supervise;
using namespace std::chrono_literals;
using tests::eventually;
using tests::SupervisedApp;

namespace {

// Answers each connection in a thread, or a process, of its own; to /slow only when `go` is there,
// to /upload when all has come.
constexpr const char* patient_server = R"py(
import os, signal, socket, sys, threading, time
def answer(connection):
    while request := connection.recv(4096):
        if b'/slow' in request:
            open('taken', 'w').close()
            while not os.path.exists('go'):
                time.sleep(0.01)
        if b'/upload' in request:
            open('taken', 'w').close()
        while b'/upload' in request and not request.endswith(b'end'):
            request += connection.recv(4096)
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

// The patient server in this very process, without a supervisor; up, and not live any more.
struct PatientGeneration {
    PatientGeneration() {
        sys::replace_durably(folder / "patient.py", patient_server, 0644);
        Program program;
        program.name = program.type = "web";
        program.command = "python3 -S -E patient.py threads";
        program.environment = {{"PATH", "/usr/bin:/bin"},
                               {"PORT", std::to_string(port)},
                               {"SHIPIT_PROCESS", "web"},
                               {"SHIPIT_RELEASE", "v1"}};
        program.folder = folder.path();
        crew = std::make_shared<Crew>(surroundings,
                                      Generation{ReleaseNumber(1), {program}, {}, port}, Side::a);
        addresses.occupy(Side::a, {port});
        crew->start();
        turn_until([this] { return addresses.is_listening(Side::a, "web", port); });
    }

    // Looks each time that something may have happened, and now and then.
    void turn_until(const std::function<bool()>& is_true) {
        REQUIRE(eventually([&] {
            const Loop::Timer soon = loop.after(20ms, [this] { loop.stop(); });
            loop.run();
            return is_true();
        }));
    }

    tests::TestFolder folder;
    std::uint16_t port = tests::free_port();
    std::string notes;
    Loop loop;
    LogFile log{folder / "app.log", {}};
    Addresses addresses{loop, {[](const std::string&) {}, [] {}, [] {}}};
    Surroundings surroundings{loop,
                              log,
                              &addresses,
                              folder.path(),
                              {},
                              [] {},
                              [this](const std::string& note) { notes += note; },
                              [](const Process&) {}};
    std::shared_ptr<Crew> crew;
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

sys::Fd connection_to(std::uint16_t port) {
    sys::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    return fd;
}

void ask_on(const sys::Fd& connection, const std::string& path) {
    const std::string request = "GET " + path + " HTTP/1.1\r\nConnection: keep-alive\r\n\r\n";
    REQUIRE(::write(connection.get(), request.data(), request.size()) > 0);
}

// Empty if it is closed.
std::string answer_on(const sys::Fd& connection) {
    char answer[1000];
    const ssize_t got = ::read(connection.get(), answer, sizeof answer);
    return {answer, static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
}

// A connection on which one request was answered, and which is kept.
sys::Fd kept_connection(std::uint16_t port) {
    sys::Fd fd = connection_to(port);
    ask_on(fd, "/");
    REQUIRE_FALSE(answer_on(fd).empty());
    std::this_thread::sleep_for(20ms); // the kernel tells times no finer than by its ticks
    return fd;
}

// Sends a piece now and then for as long, and gives the answer.
std::string upload(std::uint16_t port, std::chrono::seconds duration) {
    constexpr auto pause = 50ms;
    const sys::Fd fd = connection_to(port);
    ask_on(fd, "/upload");
    for (const sys::Deadline end(duration); !end.passed(); std::this_thread::sleep_for(pause))
        if (::send(fd.get(), "piece", 5, MSG_NOSIGNAL) < 0)
            return {};
    (void)::send(fd.get(), "end", 3, MSG_NOSIGNAL);
    return answer_on(fd);
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

TEST_CASE("an upload that takes longer than is waited for those who ask on and on is not cut") {
    const PatientApp app;
    auto answer = std::async(std::launch::async, [&] { return upload(app.port(), 8s); });
    REQUIRE(eventually([&] { return sys::is_there(app.folder() / "taken"); }));
    CHECK(app.deploy(app.patient(2))["ok"].boolean());
    CHECK(answer.get().find("release v1") != std::string::npos);
}

TEST_CASE("what is asked over a kept connection is not cut when a release is retired that was long "
          "warm") {
    PatientGeneration patient;
    const sys::Fd kept = kept_connection(patient.port);
    ask_on(kept, "/slow");
    REQUIRE(eventually([&] { return sys::is_there(patient.folder / "taken"); }));
    const auto long_ago = std::chrono::steady_clock::now() - 10s;
    Retirement retirement(patient.surroundings, patient.crew, long_ago);
    bool is_over = false;
    retirement.when_done([&] { is_over = true; });
    patient.turn_until([&] { return patient.notes.ends_with("to answer yet"); });
    patient.turn_until([looks = 0]() mutable { return ++looks == 5; });
    sys::replace_durably(patient.folder / "go", "", 0644);
    CHECK(answer_on(kept).find("release v1") != std::string::npos);
    patient.turn_until([&] { return is_over; });
    CHECK(patient.crew->is_stopped());
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

#include "core/supervise/control.hpp"

#include "core/base/error.hpp"
#include "core/supervise/detach.hpp"
#include "tests/unit/supervised_app.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>

#include <thread>

using namespace shipit;
using namespace shipit::supervise;
using namespace std::chrono_literals;
using tests::SupervisedApp;
using tests::TestFolder;

namespace {

// Sends raw bytes and reads until the supervisor closes.
std::string answer_to(const sys::Path& run, std::string_view bytes) {
    const sys::Fd fd = connect_to(run / control_socket_name);
    REQUIRE(fd);
    (void)!::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    std::string answer;
    char chunk[1000];
    pollfd wish{fd.get(), POLLIN, 0};
    while (::poll(&wish, 1, 5000) > 0) {
        const ssize_t got = ::read(fd.get(), chunk, sizeof chunk);
        if (got <= 0)
            break;
        answer.append(chunk, static_cast<std::size_t>(got));
    }
    return answer;
}

} // namespace

TEST_SUITE_BEGIN("supervise::Control");

TEST_CASE("hostile requests are refused, and the supervisor goes on") {
    SupervisedApp app;
    app.supervise();
    CHECK(answer_to(app.run(), "junk\n").find("not JSON") != std::string::npos);
    CHECK(answer_to(app.run(), "[]\n").find("not an object") != std::string::npos);
    CHECK(answer_to(app.run(), "{}\n").find("there is no request ''") != std::string::npos);
    CHECK(answer_to(app.run(), "{\"request\":\"replace\"}\n").find("wrong 'release'") !=
          std::string::npos);
    CHECK(answer_to(app.run(), "{\"request\":\"commit\"}\n").find("nothing to commit") !=
          std::string::npos);
    CHECK(answer_to(app.run(), std::string("\0\xff\n", 3)).find("not JSON") != std::string::npos);
    CHECK(answer_to(app.run(), std::string(100000, '[') + "\n").find("not JSON") !=
          std::string::npos);
    CHECK(app.ask("ping")["ok"].boolean());
}

TEST_CASE("an endless line is refused") {
    SupervisedApp app;
    app.supervise();
    CHECK(answer_to(app.run(), std::string(65 << 20, 'x')).find("too long") != std::string::npos);
    CHECK(app.ask("ping")["ok"].boolean());
}

TEST_CASE("a generation of many processes, each with many config vars, is no request too long") {
    SupervisedApp app;
    app.supervise();
    Generation generation{ReleaseNumber(1), {}, {}, std::nullopt};
    for (int n = 1; n <= 41; ++n) {
        generation.programs.push_back(app.program("worker." + std::to_string(n), 1, "sleep 1000"));
        generation.programs.back().environment.emplace_back("LONG", std::string(100 << 10, 'x'));
    }
    // As long a request as its deploy; but nothing of it has to be started.
    const Json request = Json::object({{"request", "ping"}, {"generation", to_json(generation)}});
    CHECK(app.ask(request)["ok"].boolean());
}

TEST_CASE("a client that says nothing is sent away") {
    TestFolder folder;
    const pid_t server = ::fork();
    if (server == 0) {
        Loop loop;
        ControlLimits limits;
        limits.first_request = 50ms;
        Control control(loop, folder.path(), limits);
        control.serve([](ClientId, const Json&) {}, [](ClientId) {});
        loop.run();
        ::_exit(0);
    }
    REQUIRE(tests::eventually(
        [&] { return static_cast<bool>(connect_to(folder.path() / control_socket_name)); }));
    CHECK(answer_to(folder.path(), "").find("no request came in time") != std::string::npos);
    ::kill(server, SIGKILL);
    ::waitpid(server, nullptr, 0);
}

TEST_CASE("many silent clients do not lock others out for good") {
    SupervisedApp app;
    app.supervise();
    {
        std::vector<sys::Fd> silent;
        for (int i = 0; i < 60; ++i)
            silent.push_back(connect_to(app.run() / control_socket_name));
    }
    CHECK(tests::eventually([&] {
        try {
            return app.ask("ping")["ok"].boolean();
        } catch (const Error&) {
            return false;
        }
    }));
}

TEST_CASE("the socket is private, and works under a name longer than an address takes") {
    TestFolder folder;
    const sys::Path deep = folder / std::string(100, 'd') / std::string(100, 'e');
    sys::make_folders(deep, 0700);
    const sys::Fd listening = listen_at(deep / "control.sock");
    CHECK(static_cast<bool>(connect_to(deep / "control.sock")));
    CHECK((std::filesystem::status(deep / "control.sock").permissions() &
           std::filesystem::perms::all) ==
          (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
}

TEST_CASE("where no supervisor runs, the client says so") {
    TestFolder folder;
    CHECK_FALSE(Client::answers(folder.path(), 10s));
    CHECK_FALSE(Client::answers(folder / "missing", 10s));
    { const sys::Fd stale = listen_at(folder / "control.sock"); }
    CHECK_THROWS_WITH_AS(Client(folder.path()), "the supervisor of this app does not run", Error);
}

TEST_CASE("a supervisor that ends while it starts is told with what it wrote") {
    TestFolder folder;
    try {
        spawn_detached({"/bin/sh", "-c", "echo no such app; exit 1"}, folder.path(), folder / "log",
                       5s);
        FAIL("it did not throw");
    } catch (const Error& error) {
        CHECK(error.why() == "the supervisor ended while it was starting: no such app");
    }
    CHECK_THROWS_WITH_AS(spawn_detached({"/no/such/shipit"}, folder.path(), folder / "log", 5s),
                         "cannot execute '/no/such/shipit': No such file or directory", Error);
}

TEST_CASE("a supervisor that dies while it is asked is gone, not in error") {
    TestFolder folder;
    const sys::Fd listening = listen_at(folder / control_socket_name);
    const auto take_and_die = [&listening] {
        pollfd wish{listening.get(), POLLIN, 0};
        (void)::poll(&wish, 1, -1);
        (void)sys::Fd(::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
    };
    std::thread dying(take_and_die);
    CHECK_FALSE(Client::answers(folder.path(), 10s));
    dying.join();
    std::thread again(take_and_die);
    CHECK_THROWS_AS((void)Client(folder.path()).ask(Json::object(), 10s), SupervisorGone);
    again.join();
}

TEST_SUITE_END();

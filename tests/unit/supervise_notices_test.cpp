#include "core/supervise/notices.hpp"

#include "core/base/text.hpp"
#include "tests/unit/speaking_app.hpp"

#include <cstring>

#include <doctest/doctest.h>
#include <fmt/core.h>
#include <sys/un.h>

using namespace shipit;
using namespace shipit::supervise;
using namespace std::chrono_literals;
using tests::descriptors_of;
using tests::eventually;
using tests::SpeakingApp;

namespace {

constexpr const char* from_a_daemon =
    "os.fork() == 0 and (os.setsid(), os.fork() and os._exit(0), say('READY=1'), signal.pause())";

// Asks for a replacement and waits until its processes are started.
Client started(const SpeakingApp& app, const Generation& generation) {
    Client client(app.run());
    client.send(Json::object({{"request", "replace"}, {"generation", to_json(generation)}}));
    const auto event = client.next(tests::patience);
    REQUIRE(event);
    REQUIRE((*event)["event"].text() == "starting");
    return client;
}

std::string next_event(Client& client) {
    const auto event = client.next(tests::patience);
    return event ? (*event)["event"].text() : "nothing";
}

bool say(const std::string& address, const std::string& what) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::memcpy(name.sun_path, address.data(), address.size());
    if (address.front() == '@')
        name.sun_path[0] = '\0';
    const sys::Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size());
    return ::sendto(fd.get(), what.data(), what.size(), 0, reinterpret_cast<const sockaddr*>(&name),
                    size) == static_cast<ssize_t>(what.size());
}

std::size_t count_in(const std::string& text, const std::string& what) {
    std::size_t count = 0;
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
        ++count;
    return count;
}

} // namespace

TEST_SUITE_BEGIN("supervise::Notices");

TEST_CASE("a process that is to say when it is ready is starting until then") {
    SpeakingApp app;
    app.supervise();
    Client client = started(app, app.speaking(1));
    CHECK(eventually([&] { return app.state() == "starting"; }));
    app.tell(1, "say('STATUS=loads 3 models')");
    CHECK(eventually([&] { return app.process("worker.1")["said"].text() == "loads 3 models"; }));
    CHECK(app.state() == "starting");
    app.tell(1, "say('READY=1\\nSTATUS=')");
    CHECK(next_event(client) == "healthy");
    CHECK(app.state() == "up");
    CHECK(app.process("worker.1")["said"].is_null());
}

TEST_CASE("a release whose process never says so is refused, with its last status") {
    SpeakingApp app;
    app.supervise();
    Generation silent = app.speaking(1);
    silent.health.timeout = 2s; // staying up for a second would have been enough
    Client client = started(app, silent);
    app.tell(1, "say('STATUS=waits for the database')");
    CHECK(next_event(client) == "failed");
    const Json answer = client.next(tests::patience).value();
    CHECK(answer["why"].text() == "worker.1 did not say READY=1 within 2s; notify = true; its last "
                                  "STATUS was 'waits for the database'");
}

TEST_CASE("what descends from a process may say it, also a daemon that left its session") {
    SpeakingApp app;
    app.supervise();
    Client client = started(app, app.speaking(1));
    app.tell(1, from_a_daemon);
    CHECK(next_event(client) == "healthy");
}

TEST_CASE("the word of a process of none of ours does not count, and is noted once") {
    SpeakingApp app;
    app.supervise();
    Generation silent = app.speaking(1);
    silent.health.timeout = 2s;
    Client client = started(app, silent);
    REQUIRE(eventually([&] { return app.state() == "starting"; }));
    for (int i = 0; i < 3; ++i)
        CHECK(say(app.run() / "notify.sock", "READY=1"));
    CHECK(next_event(client) == "failed");
    CHECK(count_in(app.own_log(), "says of itself") == 1);
}

TEST_CASE("a process's word does not count for another") {
    SpeakingApp app;
    app.set_live(app.speaking(1));
    app.supervise();
    Generation two = app.speaking(2);
    two.programs[0].overlaps = true;
    two.health.timeout = 2s;
    app.tell(1, "say('READY=1')");
    REQUIRE(eventually([&] { return app.is_up("worker.1"); }));
    Client client = started(app, two);
    app.tell(1, "say('READY=1')");
    CHECK(next_event(client) == "failed");
}

TEST_CASE("what is too long, no text, or comes with descriptors does no harm") {
    SpeakingApp app;
    app.supervise();
    Client client = started(app, app.speaking(1));
    app.tell(1, "say('STATUS=here')");
    REQUIRE(eventually([&] { return app.process("worker.1")["said"].text() == "here"; }));
    const std::size_t before = descriptors_of(app.pid());
    for (const char* order :
         {"say('READY=1\\n' + 'X' * 100000)", "say('READY=1\\n' + 'X' * 4089)", "say(bytes(4096))",
          "say(b'READY=1\\0')", "say(b'')", "say(os.urandom(4000))",
          "say('FDSTORE=1\\nFDNAME=x', *[0] * 253)", "say('STATUS=there', 1, 2)"})
        app.tell(1, order);
    CHECK(eventually([&] { return app.process("worker.1")["said"].text() == "there"; }));
    CHECK(app.state() == "starting");
    // `before` may have counted the connection of the last question.
    CHECK(eventually([&] { return descriptors_of(app.pid()) <= before; }));
    app.tell(1, "say('READY=1\\n' + 'X' * 4088)"); // as long as may be
    CHECK(next_event(client) == "healthy");
}

TEST_CASE("a flood keeps the supervisor neither from orders nor from a word that counts") {
    SpeakingApp app;
    app.supervise();
    Client client = started(app, app.speaking(1));
    app.tell(1, "[os.fork() or always('X', 0) for _ in range(2)]");
    CHECK(app.ask("ping")["ok"].boolean());
    app.tell(1, "say('READY=1')");
    CHECK(next_event(client) == "healthy");
}

TEST_CASE("a process that is started again has to say again that it is ready") {
    SpeakingApp app;
    app.set_live(app.speaking(1));
    app.supervise();
    app.tell(1, "say('READY=1')");
    REQUIRE(eventually([&] { return app.is_up("worker.1"); }));
    ::kill(app.pid_of("worker.1"), SIGKILL);
    CHECK(eventually([&] { return app.process("worker.1")["restarts"].integer() == 1; }));
    CHECK(eventually([&] { return app.state() == "starting"; }));
    app.tell(1, "say('READY=1')");
    CHECK(eventually([&] { return app.is_up("worker.1"); }));
}

TEST_CASE("the supervisor after a killed one knows who was ready, and hears who was not") {
    SpeakingApp app;
    app.set_live(app.speaking(1));
    app.supervise();
    REQUIRE(eventually([&] { return app.state() == "starting"; }));
    const pid_t worker = app.pid_of("worker.1");
    const auto has_saved = [&](const std::string& text) {
        return eventually(
            [&] { return sys::read_file(app.run() / "state.json").find(text) != text.npos; });
    };
    REQUIRE(has_saved(fmt::format("\"pid\":{}", worker)));
    app.kill_supervisor();
    app.supervise();
    CHECK(app.state() == "starting");
    app.tell(1, "say('READY=1')"); // to another socket now, by the same name
    CHECK(eventually([&] { return app.is_up("worker.1"); }));
    REQUIRE(has_saved("\"said_ready\":true"));
    app.kill_supervisor();
    app.supervise();
    CHECK(app.state() == "up");
    CHECK(app.pid_of("worker.1") == worker);
}

TEST_CASE("where a path would be too long for an address, the socket has a name without a file") {
    const tests::TestFolder folder;
    const sys::Path run = folder / std::string(100, 'r');
    sys::make_folders(run, 0700);
    Loop loop;
    Notices notices(loop, run, [](const std::string&) {});
    const std::string address = notices.address_for(std::nullopt);
    CHECK(address.rfind("@shipit/notify/", 0) == 0);
    CHECK(address.size() < sizeof(sockaddr_un::sun_path));
    Notice heard;
    const auto ear = notices.listen({{::getpid(), sys::start_time_of(::getpid()).value()}, {}},
                                    [&](const Notice& notice) {
                                        heard = notice;
                                        loop.stop();
                                    });
    CHECK(say(address, "READY=1"));
    const auto late = loop.after(tests::patience, [&] { loop.stop(); });
    loop.run();
    CHECK(heard.ready);
}

TEST_CASE("nobody is heard any more when the ear is gone") {
    const tests::TestFolder folder;
    Loop loop;
    std::string noted;
    Notices notices(loop, folder.path(), [&](const std::string& text) {
        noted = text;
        loop.stop();
    });
    bool was_heard = false;
    auto ear = notices.listen({{::getpid(), sys::start_time_of(::getpid()).value()}, {}},
                              [&](const Notice&) { was_heard = true; });
    ear = {};
    CHECK(say(notices.address_for(std::nullopt), "READY=1"));
    const auto late = loop.after(tests::patience, [&] { loop.stop(); });
    loop.run();
    CHECK_FALSE(was_heard);
    CHECK(noted.find(std::to_string(::getpid())) != std::string::npos);
}

TEST_SUITE_END();

#include "core/supervise/unix_sockets.hpp"

#include "core/supervise/socket_path.hpp"
#include "tests/unit/supervised_app.hpp"

#include <array>
#include <cerrno>
#include <cstdint>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

using namespace shipit;
using namespace shipit::supervise;
using namespace std::chrono_literals;
using tests::eventually;
using tests::SupervisedApp;

namespace {

// Removes its socket before it binds it and at its end, as many do, and lets nobody else in.
constexpr const char* socket_server = R"py(
import os, signal, socket, sys
name = os.environ['SHIPIT_SOCKET']
if os.path.exists(name):
    sys.exit('somebody is there')
if 'LISTEN_FDS' in os.environ:
    listening = socket.socket(fileno=3)
else:
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(name)
    os.chown(name, os.getuid(), os.getgid())
    if 'MODE' in os.environ:
        os.chmod(name, int(os.environ['MODE'], 8))
    listening.listen(1)
assert listening.getsockname() == name
def end(*_):
    os.unlink(name)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
other = socket.socket(socket.AF_UNIX)
other.bind(f'other-{os.getpid()}')
while True:
    client, _ = listening.accept()
    request = client.recv(1000)
    if b'/crash' in request:
        os._exit(3)
    status = os.environ.get('STATUS', '200 OK')
    client.sendall(f'HTTP/1.0 {status}\r\n\r\nrelease {os.environ["SHIPIT_RELEASE"]},'
                   f' process {os.getpid()}.'.encode())
    client.close()
)py";

// The same, which does not mind that its name is there.
constexpr const char* careless = "python3 -S -E -c 'exec(open(\"local.py\").read()"
                                 ".replace(\"os.path.exists(name)\", \"False\"))'";

std::string asked(const sys::Fd& connection, const std::string& path = "/") {
    const timeval at_most{tests::patience.count(), 0};
    (void)::setsockopt(connection.get(), SOL_SOCKET, SO_RCVTIMEO, &at_most, sizeof at_most);
    const std::string request = "GET " + path + " HTTP/1.0\r\n\r\n";
    (void)!::send(connection.get(), request.data(), request.size(), MSG_NOSIGNAL);
    std::string answer;
    char chunk[1000];
    for (ssize_t got = 0; (got = ::read(connection.get(), chunk, sizeof chunk)) > 0;)
        answer.append(chunk, static_cast<std::size_t>(got));
    return answer;
}

struct Local : SupervisedApp {
    Local() { sys::replace_durably(folder() / "local.py", socket_server, 0644); }

    [[nodiscard]] sys::Path socket() const { return folder() / "run/web.sock"; }

    [[nodiscard]] Generation local(std::uint64_t release, const Environment& more = {}) const {
        Generation generation = web(release);
        generation.port.reset();
        generation.socket = socket();
        Program& program = generation.programs.front();
        program.command = "python3 -S -E local.py";
        program.socket = socket();
        program.environment.insert(program.environment.end(), more.begin(), more.end());
        return generation;
    }
    void begin_with(const Generation& generation) {
        set_live(generation);
        supervise();
        REQUIRE(eventually([this] { return is_up("web.1"); }));
    }
    [[nodiscard]] bool is_served_by(const std::string& release, const sys::Path& path = {}) const {
        const sys::Fd connection = connect_to(path.empty() ? socket() : path);
        return connection && asked(connection).find("release " + release) != std::string::npos;
    }
};

mode_t mode_of(const sys::Path& path) {
    struct stat facts {};
    REQUIRE(::lstat(path.c_str(), &facts) == 0);
    return facts.st_mode & ALLPERMS;
}

constexpr std::array access_lists = {"system.posix_acl_access", "system.posix_acl_default"};

// As setfacl(1): somebody else may write there. Nothing happens where the file system has no ACLs.
void let_nobody_write(const sys::Path& folder) {
    struct [[gnu::packed]] Entry {
        std::uint16_t tag;
        std::uint16_t permissions;
        std::uint32_t id;
    };
    struct [[gnu::packed]] {
        std::uint32_t version = 2;
        Entry entries[5] = {{0x01, 7, ~0U},   // the owner
                            {0x02, 7, 65534}, // a user
                            {0x04, 5, ~0U},   // the group
                            {0x10, 7, ~0U},   // at most
                            {0x20, 5, ~0U}};  // others
    } const list;
    for (const char* name : access_lists)
        if (::setxattr(folder.c_str(), name, &list, sizeof list, 0) != 0)
            REQUIRE(errno == ENOTSUP);
}

} // namespace

TEST_SUITE_BEGIN("supervise::UnixSockets");

TEST_CASE("a program that binds a Unix socket is handed over, and the name is always there") {
    Local app;
    app.begin_with(app.local(1));
    CHECK(app.is_served_by("v1"));
    const pid_t old = app.pid_of("web.1");
    for (const std::uint64_t release : {2U, 3U, 4U}) {
        Generation next = app.local(release, {{"NUMBER", std::to_string(release)}});
        next.warm = 0ms;
        const Json answer = app.deploy(next);
        INFO(answer.dump());
        CHECK(answer["ok"].boolean());
        CHECK(app.is_served_by("v" + std::to_string(release)));
    }
    CHECK(eventually([&] { return !sys::is_there("/proc/" + std::to_string(old)); }));
    CHECK(app.process("web.1")["port"].is_null());
    CHECK(app.is_served_by("v4")); // though the old one has removed its name
}

TEST_CASE("everybody may connect to it, and a program that says otherwise says it for itself") {
    Local app;
    app.begin_with(app.local(1, {{"MODE", "0600"}}));
    struct stat facts {};
    REQUIRE(::stat(app.socket().c_str(), &facts) == 0);
    CHECK((facts.st_mode & ALLPERMS) == 0600);
    for (const std::uint64_t release : {2U, 3U}) // the third is where the first was
        CHECK(app.deploy(app.local(release))["ok"].boolean());
    REQUIRE(::stat(app.socket().c_str(), &facts) == 0);
    CHECK((facts.st_mode & ALLPERMS) == 0666);
    REQUIRE(::stat(app.run().c_str(), &facts) == 0);
    CHECK((facts.st_mode & ALLPERMS) == 0711);
}

TEST_CASE("one that fails its health check is asked by nobody else") {
    Local app;
    app.begin_with(app.local(1));
    Generation bad = app.local(2, {{"STATUS", "500 Broken"}});
    bad.health.timeout = 500ms;
    const Json answer = app.deploy(bad);
    CHECK_FALSE(answer["ok"].boolean());
    CHECK(answer["why"].text().find("GET /healthz through '" + app.socket().string() +
                                    "' answered 500 Broken") != std::string::npos);
    CHECK(app.is_served_by("v1"));
}

TEST_CASE("one that binds something else is told by the name that it should have bound") {
    Local app;
    app.begin_with(app.local(1));
    Generation bad = app.local(2);
    bad.programs.front().command = "python3 -S -E server.py"; // binds its port
    bad.health.timeout = 2s;
    const Json answer = app.deploy(bad);
    INFO(answer.dump());
    CHECK(answer["why"].text().find("nothing listens on '" + app.socket().string() +
                                    "', but it listens on port " + std::to_string(app.port())) ==
          0);
    CHECK(app.is_served_by("v1"));
}

TEST_CASE("a killed process's socket is in nobody's way, and connections wait for the next") {
    Local app;
    app.begin_with(app.local(1));
    CHECK(asked(connect_to(app.socket()), "/crash").empty());
    CHECK(app.is_served_by("v1")); // the first that asks, already
    CHECK(app.process("web.1")["restarts"].integer() == 1);
}

TEST_CASE("going back is to lead the name back, and starts nothing") {
    Local app;
    app.begin_with(app.local(1));
    const pid_t first = app.pid_of("web.1");
    CHECK(app.deploy(app.local(2, {{"MORE", "1"}}))["ok"].boolean());
    CHECK(app.is_served_by("v2"));
    CHECK(app.deploy(app.local(3))["ok"].boolean());
    CHECK(app.pid_of("web.1") == first);
    CHECK(app.is_served_by("v1")); // as that very process was started
}

TEST_CASE("several processes share it, and a health command is told the new one's") {
    Local app;
    app.begin_with(app.local(1));
    Generation next = app.local(2);
    next.programs.push_back(next.programs.front());
    next.programs.back().name = "web.2";
    // The name is there, or is not, as the other one likes.
    next.programs.front().command = next.programs.back().command = careless;
    next.health.path.clear();
    next.health.command = "python3 -S -E -c 'import os, socket; c = socket.socket(socket.AF_UNIX); "
                          "c.connect(os.environ[\"SHIPIT_SOCKET\"]); c.sendall(b\"GET / \"); "
                          "assert b\"release v2\" in c.recv(1000)'";
    const Json answer = app.deploy(next);
    INFO(answer.dump());
    CHECK(answer["ok"].boolean());
    for (const char* name : {"web.1", "web.2"}) {
        const std::string it = "process " + std::to_string(app.pid_of(name)) + ".";
        CHECK(eventually([&] { return asked(connect_to(app.socket())).find(it) != it.npos; }));
    }
}

TEST_CASE("a program that takes its sockets is given it as descriptor 3") {
    Local app;
    app.begin_with(app.local(1));
    Generation next = app.local(2);
    next.programs.front().is_given_socket = true;
    next.programs.front().command = careless; // the name is there, since it listens already
    const Json answer = app.deploy(next);
    INFO(answer.dump());
    CHECK(answer["ok"].boolean());
    CHECK(app.is_served_by("v2"));
}

TEST_CASE("a killed supervisor's Unix sockets are the next one's") {
    Local app;
    app.begin_with(app.local(1));
    const pid_t web = app.pid_of("web.1");
    app.kill_supervisor();
    CHECK(app.is_served_by("v1"));
    app.supervise();
    CHECK(app.pid_of("web.1") == web);
    CHECK(app.is_served_by("v1"));
    const Json answer = app.deploy(app.local(2));
    INFO(answer.dump());
    CHECK(answer["ok"].boolean());
    CHECK(app.is_served_by("v2"));
    CHECK(sys::read_file(app.log() / "supervisor.log").find("in_turn") == std::string::npos);
}

TEST_CASE("what a host's end left behind is in nobody's way") {
    Local app;
    for (const sys::Path& name :
         {app.socket(), app.run() / ".web.sock.a", told_name(app.socket(), Side::a)}) {
        sys::make_folders(name.parent_path(), 0755);
        (void)bound_at(name, 0600);
    }
    CHECK_FALSE(app.is_served_by("v1"));
    app.begin_with(app.local(1));
    CHECK(app.is_served_by("v1"));
}

TEST_CASE("while the app is stopped the name is gone, and clients are refused") {
    Local app;
    app.begin_with(app.local(1));
    CHECK(app.ask("stop")["ok"].boolean());
    CHECK_FALSE(sys::is_there(app.socket()));
    CHECK_FALSE(app.is_served_by("v1"));
    CHECK(app.ask("start")["ok"].boolean());
    CHECK(app.is_served_by("v1"));
}

TEST_CASE("a release with another name leaves the old one until the old release is gone") {
    Local app;
    app.begin_with(app.local(1));
    Generation next = app.local(2);
    const sys::Path renamed = app.run() / "api.sock";
    next.socket = next.programs.front().socket = renamed;
    next.warm = 2s;
    CHECK(app.deploy(next)["ok"].boolean());
    CHECK(app.is_served_by("v2", renamed));
    CHECK(app.is_served_by("v1"));
    CHECK(eventually([&] { return !sys::is_there(app.socket()); }));
    CHECK(app.is_served_by("v2", renamed));
}

TEST_CASE("an app that had a port may have a socket, and a port again") {
    Local app;
    app.begin_with(app.web(1));
    CHECK(app.deploy(app.local(2))["ok"].boolean());
    CHECK(app.is_served_by("v2"));
    Generation on_port = app.web(3);
    on_port.warm = 0ms;
    on_port.programs.front().environment.emplace_back("UNLIKE", "v1");
    CHECK(app.deploy(on_port)["ok"].boolean());
    CHECK(app.serves("v3"));
    CHECK(eventually([&] { return !sys::is_there(app.socket()); }));
}

TEST_CASE("connections that wait for a program that has crashed are carried to the live one") {
    Loop loop;
    const tests::TestFolder folder;
    const sys::Path path = folder / "run/web.sock";
    UnixSockets sockets(loop, [](const std::string&) {});
    for (const Side side : {Side::a, Side::b}) {
        sockets.occupy(side);
        sockets.prepare(side, path, std::nullopt);
    }
    const int a = sockets.give(Side::a, "web.1", path);
    sockets.go_live(Side::b);
    const sys::Fd client = connect_to(path);
    REQUIRE(client);
    CHECK(sockets.has_waiting(Side::b));
    CHECK_FALSE(sockets.has_waiting(Side::a));
    sockets.go_live(Side::a);
    sockets.vacate(Side::b);
    Loop::Watch watch = loop.watch(a);
    bool came = false;
    watch.when_readable([&] {
        came = true;
        loop.stop();
    });
    const Loop::Timer limit = loop.after(5s, [&loop] { loop.stop(); });
    loop.run();
    CHECK(came);
}

TEST_CASE("without slots, a program binds the name itself, over what was left there") {
    const tests::TestFolder folder;
    const sys::Path path = folder / "run/web.sock";
    for (const Side side : {Side::a, Side::b}) {
        make_way(path, side, std::nullopt);
        sys::Fd program = bound_at(told_name(path, side), 0666);
        CHECK(::listen(program.get(), 1) == 0);
        CHECK(connect_to(path));
        program.reset(); // killed: the name stays
        CHECK_FALSE(connect_to(path));
        make_way(path, side, std::nullopt);
        CHECK_FALSE(sys::is_there(told_name(path, side)));
    }
}

TEST_CASE("whatever an app allowed others in its folder ends when that is taken back from it") {
    const tests::TestFolder folder;
    const sys::Path path = folder / "run/web.sock";
    for (const Side side : {Side::a, Side::b}) {
        const sys::Path told = told_name(path, side).parent_path();
        sys::make_folders(told, 0755);
        let_nobody_write(told);
        REQUIRE(::chmod(told.c_str(), 07777) == 0);
    }
    const UnixSlots slots(path);
    for (const Side side : {Side::a, Side::b}) {
        const sys::Path told = told_name(path, side).parent_path();
        CHECK(mode_of(told) == 0755);
        for (const char* name : access_lists)
            CHECK(::getxattr(told.c_str(), name, nullptr, 0) <= 0);
        CHECK(mode_of(slots.entrance(side)) == 0666);
    }
}

TEST_CASE("an app's folder that is a link is not followed, but told to be in the way") {
    const tests::TestFolder folder;
    sys::make_folders(folder / "elsewhere", 0700);
    sys::make_folders(folder / "run", 0755);
    REQUIRE(::symlink("../elsewhere", (folder / "run/a").c_str()) == 0);
    CHECK_THROWS_WITH(make_way(folder / "run/web.sock", Side::a, std::nullopt),
                      ("'" + (folder / "run/a").string() + "' is in the way").c_str());
    CHECK(mode_of(folder / "elsewhere") == 0700);
}

TEST_CASE("what stands where a slot's own name was is neither given away nor opened to everybody") {
    const tests::TestFolder folder;
    const UnixSlots slots(folder / "run/web.sock");
    const sys::Path secret = folder / "secret";
    sys::replace(secret, "nobody's business", 0600);
    const sys::Path own = slots.entrance(Side::a);
    const std::string complaint = "'" + own.string() + "' is no socket";
    for (const auto make : {::symlink, ::link}) {
        REQUIRE(::unlink(own.c_str()) == 0);
        REQUIRE(make(secret.c_str(), own.c_str()) == 0);
        CHECK_THROWS_WITH(slots.renew_names(Side::a), complaint.c_str());
        CHECK_THROWS_WITH(slots.give_names(Side::a, std::nullopt), complaint.c_str());
        CHECK(mode_of(secret) == 0600);
    }
}

TEST_SUITE_END();

#include "core/supervise/addresses.hpp"

#include "tests/unit/few_descriptors.hpp"
#include "tests/unit/handing.hpp"

#include <doctest/doctest.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace shipit;
using namespace shipit::supervise;
using tests::Handing;

TEST_SUITE_BEGIN("supervise::Addresses");

TEST_CASE("sockets can be handed over on the hosts that these tests run on") {
    CHECK(why_no_bind_watch().value_or("") == "");
}

TEST_CASE("a program that binds the app's port is given its slot, and serves from it") {
    Handing app;
    app.start(R"py(
s = new()
s.setblocking(True)
before = inode(s)
s.bind(('0.0.0.0', port))
assert inode(s) != before and s.getsockname() == ('0.0.0.0', port)
s.listen(1)
serve(s)
)py",
              Side::a);
    app.until([&] { return app.addresses.is_listening(Side::a, "web.1", app.port); });
    CHECK(app.addresses.holds(app.port));
    REQUIRE(app.addresses.entrance(Side::a, app.port));
    CHECK(app.addresses.entrance(Side::a, app.port)->address.text() ==
          "127.0.0.1:" + std::to_string(app.port));
    CHECK_FALSE(app.addresses.entrance(Side::b, app.port));
    app.ask("served");
    CHECK(app.wait_for_end() == 0);
    CHECK(app.wait_for_end() == 0);
}

TEST_CASE("a slot is written down before the program has it, for the supervisor after this one") {
    Handing app;
    std::vector<bool> was_held; // by the program, whenever the state was saved
    std::string saved;
    app.on_save = [&] {
        const Json state = app.addresses.state();
        saved = state.dump();
        const auto socket =
            fmt::format("socket:[{}]", state.items()[0]["slots"]["a"]["inode"].integer());
        const sys::Path open_files = fmt::format("/proc/{}/fd", app.children.back()->name().pid);
        bool is_held = false;
        for (const auto& name : sys::names_in(open_files))
            is_held = is_held || sys::link_target(open_files / name) == socket;
        was_held.push_back(is_held);
    };
    CHECK(app.run("s = new(); s.bind(('0.0.0.0', port)); s.listen(1)") == 0);
    CHECK(was_held == std::vector<bool>{false, true}); // at bind(2), and at listen(2)
    CHECK(saved.find(R"("listeners":["web.1"])") != std::string::npos);
}

TEST_CASE("other ports, port 0, UDP and Unix sockets are the program's own business") {
    Handing app;
    CHECK(app.run(R"py(
for family, address in ((socket.AF_INET, ('127.0.0.1', 0)), (socket.AF_INET6, ('::1', 0))):
    s = new(family)
    before = inode(s)
    s.bind(address)
    s.listen()
    assert inode(s) == before and s.getsockname()[1] not in (0, port)
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
before = inode(u)
u.bind(('127.0.0.1', port))
assert inode(u) == before
x = socket.socket(socket.AF_UNIX)
x.bind('')
x.listen()
)py") == 0);
    CHECK_FALSE(app.addresses.holds(app.port));
}

TEST_CASE("binding twice is refused as ever, but not after a close, nor with SO_REUSEPORT") {
    Handing app;
    CHECK(app.run(R"py(
one, two = new(), new()
one.bind(('127.0.0.1', port))
one.listen()
assert refused(two, ('127.0.0.1', port)) == errno.EADDRINUSE
one.close()
two.bind(('127.0.0.1', port))
two.listen()
three = new()
three.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
three.bind(('127.0.0.1', port))
three.listen()
assert inode(three) == inode(two)
)py") == 0);
}

TEST_CASE("the web's port is refused to other types, also while no web listens") {
    Handing app;
    app.addresses.occupy(Side::a, {app.port}, {app.port});
    CHECK(app.is_refused("worker.1"));
    CHECK(app.notes == fmt::format("worker.1 cannot have 127.0.0.1:{}, which is for web: give "
                                   "worker a port of its own, as by PORT=NUMBER before its "
                                   "command\n",
                                   app.port));
    CHECK_FALSE(app.is_refused("web.1"));
    app.listen("web.1");
    CHECK_FALSE(app.is_refused("web.2"));
    CHECK(app.is_refused("worker.1"));
    CHECK(app.is_refused("worker.1", "0.0.0.0"));
}

TEST_CASE("an earlier supervisor's worker on the web's port does not keep the web from it") {
    Handing app;
    app.listen("worker.1");
    Handing next;
    next.port = app.port;
    next.addresses.occupy(Side::a, {app.port}, {app.port});
    REQUIRE(next.addresses.take_back(app.addresses.state(), {app.children.front()->name().pid}));
    REQUIRE(next.addresses.is_listening(Side::a, "worker.1", app.port));
    CHECK_FALSE(next.is_refused("web.1"));
    CHECK(next.is_refused("worker.2"));
}

TEST_CASE("another port is for the type that listens on it, on each side") {
    Handing app;
    app.addresses.occupy(Side::b, {app.port});
    app.listen("api.1");
    CHECK_FALSE(app.is_refused("api.2"));
    CHECK(app.is_refused("worker.1"));
    CHECK(app.notes.starts_with("worker.1 cannot have 127.0.0.1:"));
    CHECK(app.notes.find(", which is for api: give worker a port") != std::string::npos);
    CHECK(app.is_refused("worker.1", "0.0.0.0"));
    CHECK_FALSE(app.is_refused("worker.1", "127.0.0.2"));
    CHECK_FALSE(app.is_refused("worker.1", "127.0.0.1", Side::b));
    app.addresses.forget(Side::a, "api.1");
    CHECK_FALSE(app.is_refused("worker.1"));
}

TEST_CASE("of two types that bound a port before either listened, one may listen") {
    const tests::TestFolder folder;
    Handing app;
    app.start(fmt::format(R"py(
s = new()
s.bind(('127.0.0.1', port))
while not os.path.exists('{}'):
    threading.Event().wait(0.01)
try:
    s.listen()
except OSError as error:
    sys.exit(7 if error.errno == errno.EADDRINUSE else 8)
)py",
                          (folder / "go").string()),
              Side::a, "api.1");
    app.until([&] { return app.addresses.holds(app.port); });
    app.listen("worker.1");
    sys::replace_durably(folder / "go", "", 0644);
    CHECK(app.wait_for_end() == 7);
}

TEST_CASE("what is for the web is so for the program that takes a supervisor's place, too") {
    Handing before;
    before.addresses.occupy(Side::a, {before.port}, {before.port});
    Bequest bequest;
    Handing after;
    after.port = before.port;
    after.addresses.recall(before.addresses.memory(bequest));
    CHECK(after.is_refused("worker.1"));
    CHECK_FALSE(after.is_refused("web.1"));
}

TEST_CASE("a port that another program of this host holds is refused") {
    Handing app;
    const sys::Fd other(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_storage name{};
    const socklen_t size = TcpAddress{AF_INET, {127, 0, 0, 1}, 0, false, app.port}.put_into(name);
    REQUIRE(::bind(other.get(), reinterpret_cast<sockaddr*>(&name), size) == 0);
    REQUIRE(::listen(other.get(), 1) == 0);
    CHECK(app.run("assert refused(new(), ('0.0.0.0', port)) == errno.EADDRINUSE") == 0);
    CHECK(app.notes.find("web.1 cannot have 0.0.0.0:") == 0);
}

TEST_CASE("threads and children are given the slot as well, and the descriptor's flags stay") {
    Handing app;
    CHECK(app.run(R"py(
s = new()
def bind(): s.bind(('127.0.0.1', port))
t = threading.Thread(target=bind)
t.start()
t.join()
assert s.getsockname()[1] == port and not s.get_inheritable()
slot = inode(s)
s.close()
if os.fork() == 0:
    os.setsid()
    c = new()
    c.set_inheritable(True)
    c.bind(('127.0.0.1', port))
    os._exit((inode(c) != slot) + 2 * (not c.get_inheritable()))
status = os.wait()[1]
assert status == 0, status
)py") == 0);
}

TEST_CASE("both generations listen at once, and each is reached by its own way in") {
    Handing app;
    app.addresses.occupy(Side::b, {app.port});
    app.start("s = new(); s.bind(('127.0.0.1', port)); s.listen(); serve(s, b'old')", Side::a);
    app.until([&] { return app.addresses.is_listening(Side::a, "web.1", app.port); });
    app.start("s = new(); s.bind(('127.0.0.1', port)); s.listen(); serve(s, b'new')", Side::b);
    app.until([&] { return app.addresses.is_listening(Side::b, "web.1", app.port); });
    CHECK(app.addresses.entrance(Side::a, app.port)->source_port == 0);
    CHECK(app.addresses.entrance(Side::b, app.port)->source_port != 0);
    app.ask("old");
    CHECK(app.wait_for_end() == 0);
    CHECK(app.wait_for_end() == 0);
    app.addresses.go_live(Side::b);
    app.ask("new");
    CHECK(app.wait_for_end() == 0);
    CHECK(app.wait_for_end() == 0);
}

TEST_CASE("a program that shuts its listener down keeps nobody from listening there again") {
    Handing app;
    CHECK(app.run(R"py(
s = new()
s.bind(('127.0.0.1', port))
s.listen()
s.shutdown(socket.SHUT_RDWR)
)py") == 0);
    app.addresses.forget(Side::a, "web.1");
    app.start("s = new(); s.bind(('127.0.0.1', port)); s.listen(); serve(s)", Side::a);
    app.until([&] { return app.addresses.is_listening(Side::a, "web.1", app.port); });
    app.ask("served");
    CHECK(app.wait_for_end() == 0);
    CHECK(app.wait_for_end() == 0);
}

TEST_CASE("what still comes to a generation that is gone is carried to the live one") {
    Handing app;
    CHECK(app.run("s = new(); s.bind(('127.0.0.1', port)); s.listen()") == 0);
    app.ask("new"); // waits in the slot that nobody accepts from any more
    app.until([&] { return app.addresses.waiting(Side::a) == 1; });
    app.addresses.occupy(Side::b, {app.port});
    app.start("s = new(); s.bind(('127.0.0.1', port)); s.listen(); serve(s, b'new')", Side::b);
    app.until([&] { return app.addresses.is_listening(Side::b, "web.1", app.port); });
    app.addresses.go_live(Side::b);
    app.addresses.vacate(Side::a);
    CHECK(app.wait_for_end() == 0);
    CHECK(app.wait_for_end() == 0);
}

TEST_CASE("once closed, connections are refused again") {
    Handing app;
    app.start("s = new(); s.bind(('127.0.0.1', port)); s.listen(); sys.stdin.read(); "
              "threading.Event().wait(0.1)",
              Side::a);
    app.until([&] { return app.addresses.holds(app.port); });
    CHECK(app.wait_for_end() == 0);
    app.addresses.close();
    CHECK_FALSE(app.addresses.holds(app.port));
    CHECK(app.run("c = socket.socket(); assert c.connect_ex(('127.0.0.1', port)) == "
                  "errno.ECONNREFUSED") == 0);
}

#ifndef __SANITIZE_ADDRESS__ // UBSan, beside it, looks through a pipe at the objects that it judges
TEST_CASE("where there are no descriptors for the probe, it does not say that no ports are free") {
    Loop loop;
    std::string why;
    try {
        const tests::FewDescriptors few(5);
        const Addresses addresses(loop, {});
    } catch (const Error& error) {
        why = error.why();
    }
    CHECK(why == "cannot make a socket for the health probe: Too many open files");
}
#endif

TEST_SUITE_END();

// Addresses of which one has what another keeps from it.

#include "tests/unit/handing.hpp"

#include <doctest/doctest.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <sys/socket.h>

using namespace shipit;
using namespace shipit::supervise;
using tests::Handing;

namespace {

// What looks for a free port does: an address is bound, closed, and another one served.
constexpr const char* look_first = R"py(
look = new()
look.bind(('127.0.0.1', port))
look.listen()
look.close()
s = new()
s.bind(('0.0.0.0', port))
s.listen()
)py";

bool has_ipv6() {
    const sys::Fd fd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_storage name{};
    const socklen_t size = TcpAddress::of("::1", 0).value().put_into(name);
    return fd && ::bind(fd.get(), reinterpret_cast<sockaddr*>(&name), size) == 0;
}

// In Python.
constexpr const char* all_of_v4 = "listen(socket.AF_INET, '0.0.0.0')";
constexpr const char* all_of_v6 = "listen(socket.AF_INET6, '::', 1)";
constexpr const char* all_of_both = "listen(socket.AF_INET6, '::', 0)";
constexpr const char* one_of_v4 = "listen(socket.AF_INET, '127.0.0.1')";
constexpr const char* one_of_v4_by_v6 = "listen(socket.AF_INET6, '::ffff:127.0.0.1', 0)";

// The old kind of release serves on side a again, and goes live there.
void go_back(Handing& app, const std::string& listeners) {
    app.addresses.occupy(Side::a, {app.port});
    app.serve("old", listeners, Side::a);
    CHECK(app.addresses.entrance(Side::a, app.port));
    app.addresses.go_live(Side::a);
}

} // namespace

TEST_SUITE_BEGIN("supervise::Addresses");

TEST_CASE("an address that a program has closed again keeps nobody from the wider one") {
    Handing app;
    app.start(look_first + std::string("serve(s)"), Side::a);
    app.until([&] { return app.addresses.is_listening(Side::a, "web.1", app.port); });
    app.ask("served");
    CHECK(app.wait_for_end() == 0);
    CHECK(app.wait_for_end() == 0);
    app.until([&] { return app.addresses.names().size() == 1; });
    CHECK(app.addresses.names().at(0).text() == "0.0.0.0:" + std::to_string(app.port));
}

TEST_CASE("what a new generation looked at first takes nothing from the live one, nor from it") {
    Handing app;
    app.addresses.occupy(Side::b, {app.port});
    app.start("s = new(); s.bind(('0.0.0.0', port)); s.listen(); serve(s, b'old')", Side::a);
    app.until([&] { return app.addresses.is_listening(Side::a, "web.1", app.port); });
    app.start(look_first + std::string("serve(s, b'probe'); serve(s, b'new')"), Side::b);
    app.until([&] {
        return app.addresses.is_listening(Side::b, "web.1", app.port) &&
               app.addresses.names().size() == 1;
    });
    CHECK(app.addresses.entrance(Side::b, app.port)->address.text() ==
          "127.0.0.1:" + std::to_string(app.port));
    app.ask("old");
    CHECK(app.wait_for_end() == 0);
    CHECK(app.wait_for_end() == 0);
    app.addresses.go_live(Side::b);
    app.ask("probe");
    CHECK(app.wait_for_end() == 0);
}

TEST_CASE("what is closed before a generation goes live is not its any more") {
    const tests::TestFolder folder;
    Handing app;
    app.listen("web.1"); // on 127.0.0.1
    app.addresses.occupy(Side::b, {app.port});
    app.start(fmt::format(R"py(
look = new()
look.bind(('127.0.0.1', port))
look.listen()
s = new()
s.bind(('0.0.0.0', port))
s.listen()
while not os.path.exists('{0}/close'):
    threading.Event().wait(0.01)
look.close()
open('{0}/closed', 'w').close()
serve(s, b'new')
)py",
                          folder.path().string()),
              Side::b);
    app.until([&] {
        return app.addresses.is_listening(Side::b, "web.1", app.port) &&
               app.addresses.names().size() == 2;
    });
    // It is asked as clients will ask it.
    app.until([&] { return app.addresses.entrance(Side::b, app.port).has_value(); });
    CHECK(app.addresses.entrance(Side::b, app.port)->address.text() ==
          "127.0.0.1:" + std::to_string(app.port));
    sys::replace_durably(folder / "close", "", 0644);
    app.until([&] { return sys::is_there(folder / "closed"); });
    app.addresses.go_live(Side::b);
    app.ask("new");
    CHECK(app.wait_for_end() == 0);
    CHECK(app.wait_for_end() == 0);
}

TEST_CASE("an address of IPv4 is the same one in the form that IPv6 has for it" *
          doctest::skip(!has_ipv6())) {
    for (const bool plain_first : {true, false}) {
        CAPTURE(plain_first);
        Handing app;
        app.addresses.occupy(Side::b, {app.port});
        app.serve("old", plain_first ? one_of_v4 : one_of_v4_by_v6, Side::a);
        app.serve("new", plain_first ? one_of_v4_by_v6 : one_of_v4, Side::b);
        CHECK(app.addresses.names().size() == 1);
        CHECK(app.addresses.entrance(Side::b, app.port));
        CHECK(app.answers("old", "127.0.0.1"));
        app.addresses.go_live(Side::b);
        CHECK(app.answers("new", "127.0.0.1"));
    }
}

TEST_CASE("a release listens on all addresses at once where the one before had two sockets" *
          doctest::skip(!has_ipv6())) {
    Handing app;
    app.addresses.occupy(Side::b, {app.port});
    app.serve("old", fmt::format("{}, {}", all_of_v4, all_of_v6), Side::a);
    app.serve("new", all_of_both, Side::b);
    CHECK(app.addresses.entrance(Side::b, app.port));
    CHECK(app.answers_by_both("old"));
    app.addresses.go_live(Side::b);
    CHECK(app.answers_by_both("new"));
    app.leave(Side::a);
    CHECK(app.answers_by_both("new"));
    // The next one of its kind, and the first kind again.
    app.addresses.occupy(Side::a, {app.port});
    app.serve("third", all_of_both, Side::a);
    app.addresses.go_live(Side::a);
    app.leave(Side::b);
    CHECK(app.answers("third", "127.0.0.1"));
    CHECK(app.answers("third", "::1"));
    app.addresses.occupy(Side::b, {app.port});
    app.serve("fourth", fmt::format("{}, {}", all_of_v4, all_of_v6), Side::b);
    app.until([&] { return app.addresses.names().size() == 2; });
    app.addresses.go_live(Side::b);
    CHECK(app.answers("fourth", "127.0.0.1"));
    CHECK(app.answers("fourth", "::1"));
}

TEST_CASE("a release listens by two sockets where the one before took all addresses at once" *
          doctest::skip(!has_ipv6())) {
    for (const bool v4_first : {true, false}) {
        CAPTURE(v4_first);
        Handing app;
        app.addresses.occupy(Side::b, {app.port});
        app.serve("old", all_of_both, Side::a);
        app.serve("new",
                  v4_first ? fmt::format("{}, {}", all_of_v4, all_of_v6)
                           : fmt::format("{}, {}", all_of_v6, all_of_v4),
                  Side::b);
        app.until([&] { return app.addresses.names().size() == 2; });
        app.until([&] { return app.addresses.entrance(Side::b, app.port).has_value(); });
        CHECK(app.answers_by_both("old"));
        app.addresses.go_live(Side::b);
        CHECK(app.answers_by_both("new"));
        app.leave(Side::a);
        CHECK(app.answers_by_both("new"));
        go_back(app, all_of_both);
        CHECK(app.answers_by_both("old"));
    }
}

TEST_CASE("a release takes all addresses where the one before took IPv6's alone, and back" *
          doctest::skip(!has_ipv6())) {
    Handing app;
    app.addresses.occupy(Side::b, {app.port});
    app.serve("old", all_of_v6, Side::a);
    app.serve("new", all_of_both, Side::b);
    CHECK(app.addresses.entrance(Side::b, app.port));
    CHECK(app.answers("old", "::1"));
    app.addresses.go_live(Side::b);
    CHECK(app.answers_by_both("new"));
    app.leave(Side::a);
    CHECK(app.answers("new", "::1"));
    go_back(app, all_of_v6);
    CHECK(app.answers("old", "::1"));
}

TEST_CASE("connections to an address that the live release has not are carried, however many") {
    Handing app;
    app.addresses.occupy(Side::b, {app.port});
    app.start(fmt::format(R"py(
s, kept = {}, []
while True:
    c, _ = s.accept()
    kept.append(c)
    c.sendall(c.recv(1))
)py",
                          all_of_v4),
              Side::a);
    app.until([&] { return app.addresses.is_listening(Side::a, "web.1", app.port); });
    app.listen("web.1", Side::b); // on 127.0.0.1
    CHECK(app.run(R"py(
kept = []
for _ in range(300):
    kept.append(socket.create_connection(('127.0.0.1', port), 2))
    kept[-1].settimeout(2)
    kept[-1].sendall(b'x')
    assert kept[-1].recv(1) == b'x'
)py",
                  Side::a, "client") == 0);
}

TEST_SUITE_END();

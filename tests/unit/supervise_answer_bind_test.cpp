// What programs that bind are answered, whatever they have done with their sockets before.

#include "tests/unit/handing.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>

using namespace shipit;
using namespace shipit::supervise;
using tests::Handing;

TEST_SUITE_BEGIN("supervise::Addresses");

TEST_CASE("what a program had put into its epolls before it bound it is watched there afterwards") {
    Handing app;
    app.start(R"py(
s = new()
level, edge, other, closed = (select.epoll() for _ in range(4))
level.register(s, select.EPOLLIN)
edge.register(s, select.EPOLLIN | select.EPOLLET)
other.register(os.pipe()[0], select.EPOLLIN)
closed.register(s, select.EPOLLIN)
closed.unregister(s)
s.bind(('127.0.0.1', port))
level.modify(s, select.EPOLLIN | select.EPOLLRDHUP)
s.listen()
assert level.poll(5) == [(s.fileno(), select.EPOLLIN)]
assert edge.poll(5) == [(s.fileno(), select.EPOLLIN)]
assert closed.poll(0) == []
level.unregister(s)
serve(s)
assert level.poll(0) == [] and edge.poll(0) == []
)py",
              Side::a);
    app.until([&] { return app.addresses.is_listening(Side::a, "web.1", app.port); });
    app.ask("served");
    CHECK(app.wait_for_end() == 0);
    CHECK(app.wait_for_end() == 0);
}

TEST_CASE("an epoll goes on with a descriptor beyond those that the supervisor may have") {
    constexpr unsigned few = 200;
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    Handing app;
    app.start(R"py(
s = new()
high = socket.socket(fileno=fcntl.fcntl(s, fcntl.F_DUPFD, 300))
s.close()
ep = select.epoll()
ep.register(high, select.EPOLLIN)
high.bind(('127.0.0.1', port))
ep.modify(high, select.EPOLLIN)
)py",
              Side::a);
    const rlimit less{few, before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &less) == 0);
    CHECK(app.wait_for_end() == 0);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
}

TEST_CASE("a program may bind with more bytes than its address has") {
    Handing app;
    CHECK(app.run(R"py(
libc = ctypes.CDLL(None, use_errno=True)
def bind(s, size):
    name = struct.pack('=H', socket.AF_INET) + struct.pack('!H', port) + socket.inet_aton('127.0.0.1')
    return libc.bind(s.fileno(), ctypes.create_string_buffer(name, 200), size)
s = new()
before = inode(s)
assert bind(s, 129) == -1 and ctypes.get_errno() == errno.EINVAL and inode(s) == before
assert bind(s, 128) == 0 and inode(s) != before
assert s.getsockname() == ('127.0.0.1', port)
u = socket.socket(socket.AF_UNIX)
before = inode(u)
name = ctypes.create_string_buffer(struct.pack('=H', socket.AF_UNIX) + b'\0' + os.urandom(8).hex().encode(), 110)
assert libc.bind(u.fileno(), name, 110) == 0 and inode(u) == before
)py") == 0);
    CHECK(app.addresses.holds(app.port));
}

TEST_CASE("a program that binds changes nothing under those that share its slot") {
    const std::string share = R"py(
s = new()
s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
s.bind(('127.0.0.1', port))
s.listen()
blocks = fcntl.fcntl(s, fcntl.F_GETFL) & os.O_NONBLOCK == 0
keeps_alive = s.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) != 0
sys.exit(7 if blocks and keeps_alive else 0 if not blocks and not keeps_alive else 8)
)py";
    Handing app;
    app.start(R"py(
s = new()
s.bind(('127.0.0.1', port))
s.setblocking(False)
s.listen()
t = new()
t.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
t.bind(('127.0.0.1', port))
assert fcntl.fcntl(s, fcntl.F_GETFL) & os.O_NONBLOCK
t.close()
threading.Event().wait()
)py",
              Side::a);
    app.until([&] { return app.addresses.is_listening(Side::a, "web.1", app.port); });
    CHECK(app.run(share, Side::a, "web.2") == 0);
    app.addresses.forget(Side::a, "web.2");
    // Once nobody has it open, it is as if it were new.
    app.children.front()->signal(SIGKILL);
    (void)app.wait_for_end();
    app.addresses.forget(Side::a, "web.1");
    CHECK(app.run(share, Side::a, "web.1") == 7);
}

TEST_CASE("what is bound to an interface is so behind its slot, too") {
    Handing app;
    app.start(R"py(
def device(s): return s.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16).rstrip(b'\0')
s = new()
s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b'lo')
before = inode(s)
s.bind(('0.0.0.0', port))
assert inode(s) != before and device(s) == b'lo'
s.listen()
serve(s)
)py",
              Side::a);
    app.until([&] { return app.addresses.is_listening(Side::a, "web.1", app.port); });
    CHECK(app.addresses.names().front().text() == "0.0.0.0%lo:" + std::to_string(app.port));
    CHECK(TcpAddress::from(app.addresses.names().front().json()) == app.addresses.names().front());
    app.ask("served");
    CHECK(app.wait_for_end() == 0);
    CHECK(app.wait_for_end() == 0);
    CHECK(app.run(R"py(
s = new()
s.bind(('0.0.0.0', port))
assert s.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16) == b''
)py") == 0); // another's slot
    CHECK(app.addresses.names().size() == 2);
}

TEST_SUITE_END();

// An app's addresses, and small programs whose sockets they replace.
#pragma once

#include "core/supervise/addresses.hpp"
#include "core/supervise/launch.hpp"
#include "tests/unit/supervised_app.hpp"

#include <csignal>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <fmt/core.h>

namespace shipit::tests {

using supervise::Addresses;
using supervise::Child;
using supervise::exit_code;
using supervise::Launch;
using supervise::Loop;
using supervise::milliseconds;
using supervise::Reported;
using supervise::Side;
using supervise::WaitStatus;

// What the little programs below begin with.
inline constexpr const char* preamble = R"py(
import ctypes, errno, fcntl, os, select, socket, struct, sys, threading
port = int(os.environ['PORT'])
def new(family=socket.AF_INET):
    s = socket.socket(family)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return s
def refused(s, address):
    try:
        s.bind(address)
    except OSError as error:
        return error.errno
def inode(s): return os.fstat(s.fileno()).st_ino
def listen(family, host, v6_only=None):
    s = new(family)
    if v6_only is not None:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6_only)
    s.bind((host, port))
    s.listen()
    return s
def serve_all(text, *listeners):
    def serve_on(s):
        while True:
            serve(s, text)
    for s in listeners:
        threading.Thread(target=serve_on, args=(s,)).start()
def serve(s, text=b'served'):
    c, _ = s.accept()
    c.recv(100)
    c.sendall(text)
    c.close()
)py";

// An app's addresses, and programs whose sockets they replace.
struct Handing {
    Handing() {
        addresses.occupy(Side::a, {port});
        addresses.go_live(Side::a);
    }
    ~Handing() {
        for (const auto& child : children)
            child->signal(SIGKILL);
    }
    Handing(const Handing&) = delete;
    Handing& operator=(const Handing&) = delete;

    void start(const std::string& script, Side side, const std::string& name = "web.1") {
        Launch launch;
        launch.argv = {"python3", "-S", "-E", "-c", preamble + script};
        launch.environment = {{"PATH", "/usr/bin:/bin"}, {"PORT", std::to_string(port)}};
        launch.folder = "/";
        launch.reported = Reported::binds;
        children.push_back(std::make_unique<Child>(loop, launch, [this](WaitStatus status) {
            statuses.push_back(supervise::exit_code(status.value()));
            loop.stop();
        }));
        addresses.watch(side, name, children.back()->take_calls());
    }
    // The exit status of a program that ends.
    int run(const std::string& script, Side side = Side::a, const std::string& name = "web.1") {
        start(script, side, name);
        return wait_for_end();
    }
    // Whether a process of that name may not listen there; it ends at once.
    bool is_refused(const std::string& name, const std::string& host = "127.0.0.1",
                    Side side = Side::a) {
        const std::string script = fmt::format(R"py(
s = new()
error = refused(s, ('{}', port))
assert error in (None, errno.EADDRINUSE)
if not error:
    s.listen()
sys.exit(7 if error else 0)
)py",
                                               host);
        const int status = run(script, side, name);
        addresses.forget(side, name);
        CHECK((status == 0 || status == 7));
        return status != 0;
    }
    // One that goes on listening.
    void listen(const std::string& name, Side side = Side::a) {
        start("s = new(); s.bind(('127.0.0.1', port)); s.listen(); threading.Event().wait()", side,
              name);
        until([&] { return addresses.is_listening(side, name, port); });
    }
    int wait_for_end() {
        const Loop::Timer limit = loop.after(std::chrono::seconds(5), [this] {
            statuses.push_back(-1);
            loop.stop();
        });
        loop.run();
        return statuses.back();
    }
    void until(const std::function<bool()>& is_true) {
        const sys::Deadline deadline(std::chrono::seconds(5));
        while (!is_true() && !deadline.passed()) {
            const Loop::Timer soon =
                loop.after(std::chrono::milliseconds(5), [this] { loop.stop(); });
            loop.run();
        }
        CHECK(is_true());
    }
    // Asks like a client, in a process of its own, since the loop is ours to turn.
    void ask(const std::string& expected, const std::string& host = "127.0.0.1") {
        Launch launch;
        launch.argv = {"python3",
                       "-S",
                       "-E",
                       "-c",
                       preamble + std::string(R"py(
c = socket.create_connection((sys.argv[2], port), 5)
c.sendall(b'x')
answer = c.recv(100)
sys.exit(0 if answer == sys.argv[1].encode() else 9)
)py"),
                       expected,
                       host};
        launch.environment = {{"PATH", "/usr/bin:/bin"}, {"PORT", std::to_string(port)}};
        launch.folder = "/";
        children.push_back(std::make_unique<Child>(loop, launch, [this](WaitStatus status) {
            statuses.push_back(supervise::exit_code(status.value()));
            loop.stop();
        }));
    }

    // The same, and waits for the answer.
    [[nodiscard]] bool answers(const std::string& expected, const std::string& host) {
        ask(expected, host);
        return wait_for_end() == 0;
    }
    [[nodiscard]] bool answers_by_both(const std::string& expected) {
        return answers(expected, "127.0.0.1") && answers(expected, "::1");
    }
    // Serves on what `listeners` says, in Python, until the end.
    void serve(const std::string& text, const std::string& listeners, Side side) {
        start(fmt::format("serve_all(b'{}', {})", text, listeners), side);
        serving[at(side)] = children.back().get();
        until([&] { return addresses.is_listening(side, "web.1", port); });
    }

    // What serves there ends, and its generation with it.
    void leave(Side side) {
        serving[at(side)]->signal(SIGKILL);
        (void)wait_for_end();
        addresses.forget(side, "web.1");
        addresses.vacate(side);
    }

    std::uint16_t port = tests::free_port();
    Loop loop;
    std::string notes;
    std::function<void()> on_save = [] {};
    Addresses::Callbacks callbacks() {
        return {[this](const std::string& note) { notes += note + "\n"; }, [] {},
                [this] { on_save(); },
                [this](Side, const std::string& process, const std::string& why) {
                    notes += process + " " + why + "\n";
                }};
    }
    Addresses addresses{loop, callbacks()};
    std::vector<std::unique_ptr<Child>> children;
    Child* serving[2] = {};
    std::vector<int> statuses;
};

} // namespace shipit::tests

// Any bytes as what a supervisor reads: orders, and what the programs that it runs say.
//
// The input's first byte chooses what the rest is:
//   C  what a client sends to the control socket;
//   G  a generation, as `replace` brings it;
//   N  a datagram of sd_notify(3);
//   W  a command: its words are those that a shell would make of it;
//   H  the answer to a health check.
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/supervise/control.hpp"
#include "core/supervise/notice.hpp"
#include "core/supervise/probe.hpp"
#include "core/supervise/program.hpp"
#include "core/supervise/words.hpp"
#include "tests/fuzz/folder.hpp"
#include "tests/fuzz/target.hpp"

#include <algorithm>

#include <fcntl.h>
#include <sys/socket.h>
#include <wordexp.h>

using namespace shipit;
using namespace shipit::supervise;
using fuzz::require;

namespace {

constexpr std::size_t most_sent = 64 << 10; // a socket takes that much at once

void send_all(int connection, std::string_view bytes) {
    bytes = bytes.substr(0, most_sent);
    require(::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
                static_cast<ssize_t>(bytes.size()),
            "the socket takes less");
    (void)::shutdown(connection, SHUT_WR);
}

// A client that has said all, and listens until it is cut off.
class Listener {
  public:
    Listener(Loop& loop, sys::Fd connection)
        : m_loop(loop), m_fd(std::move(connection)), m_watch(loop.watch(m_fd.get())) {
        listen();
    }
    [[nodiscard]] const std::string& heard() const { return m_heard; }

  private:
    void listen() {
        m_watch.when_readable([this] {
            char chunk[4096];
            const ssize_t got = ::recv(m_fd.get(), chunk, sizeof chunk, MSG_DONTWAIT);
            if (got <= 0)
                return m_loop.stop();
            m_heard.append(chunk, static_cast<std::size_t>(got));
            listen();
        });
    }
    Loop& m_loop;
    sys::Fd m_fd;
    Loop::Watch m_watch;
    std::string m_heard;
};

void serve(std::string_view bytes) {
    Loop loop;
    ControlLimits limits;
    limits.line = 2048;
    limits.unsent = 16 << 10;
    Control control(loop, fuzz::folder(), limits);
    control.serve(
        [&](ClientId client, const Json& request) {
            const Json answer = Json::object({{"ok", true}, {"request", request["request"]}});
            if (request["request"].text() == "ping")
                control.finish(client, answer);
            else
                control.send(client, answer);
        },
        [](ClientId) {});
    sys::Fd connection = connect_to(fuzz::folder() / control_socket_name);
    send_all(connection.get(), bytes);
    const Listener client(loop, std::move(connection));
    loop.run();
    for (const auto line : split(client.heard(), '\n'))
        require(line.empty() || Json::parse(line).is_object(), "an answer is no object");
}

void read_generation(std::string_view text) {
    const auto generation = generation_from(Json::parse(text));
    const auto json = to_json(generation).dump();
    const auto again = generation_from(Json::parse(json));
    require(to_json(again).dump() == json, "a generation arrives as another one");
    require(again.runs_as(generation), "the same generation would run otherwise");
    for (const auto port : generation.all_ports())
        require(port != 0, "a port is none");
}

void read_notice(std::string_view datagram) {
    const auto status = notice_from(datagram).status.value_or("");
    require(printable(status) == status, "a status could drive a terminal");
}

// wordexp(3) is a shell without any process to run. It refuses braces, which mean nothing to a
// shell, and takes `""a` for two words.
bool is_known_to_wordexp(const std::string& command) {
    return command.find_first_of(std::string_view("\0{}", 3)) == std::string::npos &&
           command.find("\"\"") == std::string::npos && command.find("''") == std::string::npos;
}

void take_words(const std::string& command) {
    const auto words = plain_words(command);
    if (!words || !is_known_to_wordexp(command))
        return;
    wordexp_t expected{};
    require(::wordexp(command.c_str(), &expected, WRDE_NOCMD | WRDE_UNDEF) == 0,
            "plain words need a shell");
    const std::vector<std::string> theirs(expected.we_wordv, expected.we_wordv + expected.we_wordc);
    ::wordfree(&expected);
    require(*words == theirs, "a shell makes other words of it");
}

void probe(std::string_view answer) {
    Loop loop;
    const auto socket = fuzz::folder() / "web.sock";
    const sys::Fd listening = listen_at(socket);
    ProbeTarget target;
    target.path = "/healthz";
    target.socket = socket;
    ProbeResult result;
    const Probe probe(loop, target, std::chrono::seconds(10), [&](const ProbeResult& is) {
        result = is;
        loop.stop();
    });
    const sys::Fd connection(::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
    require(static_cast<bool>(connection), "the probe does not connect");
    send_all(connection.get(), answer);
    loop.run();
    require(printable(result.reason) == result.reason, "a reason could drive a terminal");
    require(result.healthy == result.reason.empty(), "a bad check has no reason");
}

} // namespace

void fuzz::run(char kind, std::string_view rest) {
    switch (kind) {
    case 'C':
        return serve(rest);
    case 'G':
        return read_generation(rest);
    case 'N':
        return read_notice(rest);
    case 'W':
        return take_words(std::string(rest));
    case 'H':
        return probe(rest);
    default:
        return;
    }
}

#include "core/supervise/probe.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/supervise/slots.hpp"
#include "core/supervise/socket_path.hpp"
#include "core/sys/shortage.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstring>

#include <fmt/core.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace shipit::supervise {

namespace {

constexpr std::size_t most_answer = 64 << 10; // what is not read of it does not matter
constexpr std::size_t shown_body = 200;
constexpr int lowest_healthy = 200;
constexpr int highest_healthy = 399;

struct Answer {
    int status = 0;
    std::string status_line; // "503 Service Unavailable"
    std::string_view body;
    bool complete = false; // so far as its Content-Length tells
};

std::size_t content_length(std::string_view head) {
    for (std::string_view line : split(head, '\n')) {
        line = trimmed(line);
        const auto colon = line.find(':');
        if (colon == std::string_view::npos)
            continue;
        std::string name(line.substr(0, colon));
        std::transform(name.begin(), name.end(), name.begin(),
                       [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        const std::string_view value = trimmed(line.substr(colon + 1));
        std::size_t length = 0;
        if (name == "content-length" &&
            std::from_chars(value.data(), value.data() + value.size(), length).ec == std::errc())
            return length;
    }
    return std::string::npos;
}

// Where the body begins, or what follows an answer without one; nothing before the head is whole.
std::optional<std::size_t> head_size(std::string_view text) {
    std::optional<std::size_t> size;
    for (const std::string_view end : {"\r\n\r\n", "\n\n"})
        if (const auto at = text.find(end); at != std::string_view::npos)
            size = std::min(size.value_or(std::string_view::npos), at + end.size());
    return size;
}

// "HTTP/1.1 200 OK"; nothing if that is not how it begins.
std::optional<Answer> parse_one(std::string_view text) {
    const std::string_view line = trimmed(text.substr(0, text.find('\n')));
    const auto space = line.find(' ');
    if (text.find('\n') == std::string_view::npos || line.rfind("HTTP/1.", 0) != 0 ||
        space == std::string_view::npos)
        return std::nullopt;
    Answer answer;
    const std::string_view status = trimmed(line.substr(space + 1));
    answer.status_line = status;
    const auto parsed = std::from_chars(
        status.data(), status.data() + std::min<std::size_t>(3, status.size()), answer.status);
    if (parsed.ec != std::errc() || answer.status < 100)
        return std::nullopt;
    if (const auto head = head_size(text)) {
        answer.body = text.substr(*head);
        answer.complete = answer.body.size() >= content_length(text.substr(0, *head));
    }
    return answer;
}

// What follows the interim answers, like 103, that may come before the one that counts (RFC 9110,
// 15.2). After 101 no HTTP follows.
std::string_view behind_interim(std::string_view text) {
    constexpr int switching_protocols = 101;
    constexpr int lowest_final = 200;
    for (auto one = parse_one(text);
         one && one->status < lowest_final && one->status != switching_protocols;
         one = parse_one(text))
        text.remove_prefix(head_size(text).value_or(text.size()));
    return text;
}

// Of the answer that counts; nothing where none has come, or it is not HTTP.
std::optional<Answer> parse_answer(std::string_view text) {
    return parse_one(behind_interim(text));
}

// Where nobody listens on a port of the range that connections are given, a connection may be given
// that very port, and then is with itself (TCP's simultaneous open).
bool is_connected_to_itself(int socket) {
    sockaddr_in6 own{};
    sockaddr_in6 peer{};
    socklen_t own_size = sizeof own;
    socklen_t peer_size = sizeof peer;
    return ::getsockname(socket, reinterpret_cast<sockaddr*>(&own), &own_size) == 0 &&
           ::getpeername(socket, reinterpret_cast<sockaddr*>(&peer), &peer_size) == 0 &&
           own_size == peer_size && std::memcmp(&own, &peer, own_size) == 0;
}

} // namespace

Probe::Probe(Loop& loop, ProbeTarget target, milliseconds timeout, OnDone done)
    : m_loop(loop), m_target(std::move(target)), m_patience(timeout), m_done(std::move(done)) {
    m_timeout = loop.after(timeout, [this] {
        if (parse_answer(m_answer))
            return judge(); // an endless body does not make a healthy answer a bad one
        end({false, m_fd.get() >= 0,
             fmt::format("{} did not answer within {}", name(), duration_text(m_patience))});
    });
    if (!m_target.socket.empty()) {
        connect_to_socket();
        return;
    }
    constexpr std::array<std::uint8_t, 16> loopback{127, 0, 0, 1};
    connect(m_target.address.value_or(TcpAddress{AF_INET, loopback, 0, false, m_target.port}));
}

std::string Probe::name() const {
    const std::string socket = printable(m_target.socket.string());
    if (!socket.empty())
        return m_target.path.empty()
                   ? fmt::format("a connection to '{}'", socket)
                   : fmt::format("GET {} through '{}'", printable(m_target.path), socket);
    if (m_target.path.empty())
        return fmt::format("a connection to {}", m_address.text());
    return fmt::format("GET http://{}{}", m_address.text(), printable(m_target.path));
}

void Probe::connect(const TcpAddress& address) {
    m_address = address;
    close();
    m_fd.reset(::socket(address.family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_storage name{};
    const socklen_t size = address.put_into(name);
    if (!m_fd ||
        (m_target.source_port != 0 && !come_from(m_fd.get(), address, m_target.source_port)) ||
        (::connect(m_fd.get(), reinterpret_cast<const sockaddr*>(&name), size) != 0 &&
         errno != EINPROGRESS))
        return connection_failed(errno);
    m_watch = m_loop.watch(m_fd.get());
    m_watch.when_writable([this] { connected(); });
}

void Probe::connect_to_socket() {
    m_fd = begin_connecting_to(m_target.way.empty() ? m_target.socket : m_target.way);
    if (!m_fd)
        return connection_failed(errno);
    m_watch = m_loop.watch(m_fd.get());
    m_watch.when_writable([this] { connected(); });
}

std::string Probe::host() const {
    return m_target.socket.empty() ? fmt::format("127.0.0.1:{}", m_address.port) : "localhost";
}

void Probe::close() noexcept {
    m_watch.cancel();
    m_fd.reset();
}

void Probe::connected() {
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(m_fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0)
        return connection_failed(error);
    if (m_target.socket.empty() && is_connected_to_itself(m_fd.get()))
        return connection_failed(ECONNREFUSED);
    if (m_target.path.empty())
        return end({true, true, {}});
    if (m_target.hold > milliseconds(0))
        m_hold = m_loop.after(m_target.hold, [this] { ask(); });
    else
        ask();
}

void Probe::ask() {
    m_request = fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: shipit-health\r\n"
                            "Accept: */*\r\nConnection: close\r\n\r\n",
                            m_target.path, host());
    send();
}

void Probe::connection_failed(int error) {
    if (m_target.socket.empty() && m_address.family == AF_INET && !m_target.address) {
        TcpAddress loopback{AF_INET6, {}, 0, true, m_target.port};
        loopback.host.back() = 1;
        return connect(loopback);
    }
    const bool is_nobody =
        error == ECONNREFUSED || error == EADDRNOTAVAIL || error == EAFNOSUPPORT || error == ENOENT;
    const std::string place = m_target.socket.empty()
                                  ? fmt::format("port {}", m_target.port)
                                  : fmt::format("'{}'", printable(m_target.socket.string()));
    const std::string why = is_nobody ? fmt::format("nothing listens on {}", place)
                                      : fmt::format("{}: {}", name(), errno_text(error));
    // Not from within the constructor: the owner does not have us yet.
    const bool made = !sys::is_shortage(error);
    m_timeout = m_loop.after(milliseconds(0), [this, why, made] {
        end({false, false, why, made});
    });
}

void Probe::send() {
    while (!m_request.empty()) {
        const ssize_t sent = ::send(m_fd.get(), m_request.data(), m_request.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno == EAGAIN)
            return m_watch.when_writable([this] { send(); });
        if (sent < 0)
            break; // it may have answered before it closed
        m_request.erase(0, static_cast<std::size_t>(sent));
    }
    m_watch.when_readable([this] { receive(); });
}

void Probe::receive() {
    char chunk[16 << 10];
    const ssize_t got = ::read(m_fd.get(), chunk, sizeof chunk);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return m_watch.when_readable([this] { receive(); });
    if (got > 0)
        m_answer.append(chunk, static_cast<std::size_t>(got));
    const auto answer = parse_answer(m_answer);
    if (got <= 0 || m_answer.size() >= most_answer || (answer && answer->complete))
        return judge();
    m_watch.when_readable([this] { receive(); });
}

void Probe::judge() {
    const auto answer = parse_answer(m_answer);
    if (!answer && behind_interim(m_answer).empty())
        return end({false, true, name() + " was answered by nothing: the connection was closed"});
    if (!answer)
        return end({false, true,
                    fmt::format("{} was answered by something that is not HTTP: {}", name(),
                                printable(std::string_view(m_answer).substr(0, shown_body)))});
    if (answer->status >= lowest_healthy && answer->status <= highest_healthy)
        return end({true, true, {}});
    std::string reason = fmt::format("{} answered {}", name(), printable(answer->status_line));
    const std::string_view body = trimmed(answer->body.substr(0, shown_body));
    if (!body.empty())
        reason += ": " + printable(body);
    end({false, true, reason});
}

void Probe::end(ProbeResult result) {
    m_timeout.cancel();
    m_hold.cancel();
    close();
    const OnDone done = std::move(m_done); // which may destroy this, and what `result` came from
    const ProbeResult kept = std::move(result);
    done(kept);
}

} // namespace shipit::supervise

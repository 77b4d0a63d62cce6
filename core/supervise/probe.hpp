// One look at whether a program is well: an HTTP request, or a connection, without blocking.
#pragma once

#include "core/supervise/loop.hpp"
#include "core/supervise/tcp_address.hpp"
#include "core/sys/fd.hpp"
#include "core/sys/file.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace shipit::supervise {

struct ProbeResult {
    bool healthy = false;
    bool answered = false; // somebody listens, at least
    std::string reason;    // of not being healthy, in full
    bool made = true;      // false: no look could be made, for want of descriptors, say
};

// Where on this host, and the path to GET. An empty path: connecting is enough.
struct ProbeTarget {
    std::uint16_t port = 0;
    std::string path;
    // The one address to ask, where it is known, from that source port unless it is 0.
    std::optional<TcpAddress> address = std::nullopt;
    std::uint16_t source_port = 0;
    // The Unix socket instead, and the name that leads to the one to ask, if it is another.
    sys::Path socket{};
    sys::Path way{};
    milliseconds hold{0}; // between the connection and its request
};

class Probe {
  public:
    using OnDone = std::function<void(const ProbeResult&)>;

    // Without an address, tries 127.0.0.1, then ::1 if nothing listens there. `done` is called
    // once, from the loop, within `timeout`; not after destruction.
    Probe(Loop& loop, ProbeTarget target, milliseconds timeout, OnDone done);
    Probe(const Probe&) = delete;
    Probe& operator=(const Probe&) = delete;
    // "GET http://127.0.0.1:8000/healthz", for people.
    [[nodiscard]] std::string name() const;

  private:
    void connect(const TcpAddress& address);
    void connect_to_socket();
    [[nodiscard]] std::string host() const; // that is asked for, whichever address is asked
    void connected();
    void ask();
    void connection_failed(int error);
    void send();
    void receive();
    void judge();
    void end(ProbeResult result);
    void close() noexcept;

    Loop& m_loop;
    ProbeTarget m_target;
    milliseconds m_patience;
    OnDone m_done;
    TcpAddress m_address;
    sys::Fd m_fd;
    Loop::Watch m_watch; // before m_fd is closed
    Loop::Timer m_timeout;
    Loop::Timer m_hold;
    std::string m_request;
    std::string m_answer;
};

} // namespace shipit::supervise

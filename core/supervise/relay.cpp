#include "core/supervise/relay.hpp"

#include "core/base/error.hpp"
#include "core/sys/shortage.hpp"

#include <algorithm>
#include <cerrno>
#include <string>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>

namespace shipit::supervise {

namespace {

constexpr int spare_descriptors = 64;       // for what the supervisor has to do beside
constexpr milliseconds rest_when_full{100}; // where no more can be carried

// Whether there are descriptors for another pair, the least number that is free being the next.
bool has_room(int some) {
    rlimit most{};
    const sys::Fd next(::fcntl(some, F_DUPFD_CLOEXEC, 0));
    return next && ::getrlimit(RLIMIT_NOFILE, &most) == 0 &&
           static_cast<rlim_t>(next.get()) + spare_descriptors < most.rlim_cur;
}

} // namespace

// Two connections, and what goes from each to the other.
class Relay::Pair {
  public:
    Pair(Loop& loop, sys::Fd client, sys::Fd server, Loop::Callback over)
        : m_client{std::move(client), {}}, m_server{std::move(server), {}},
          m_over(std::move(over)) {
        m_client.watch = loop.watch(m_client.fd.get());
        m_server.watch = loop.watch(m_server.fd.get());
        m_server.watch.when_writable([this] { // it is connected, or cannot be
            pump(m_up);
            pump(m_down);
        });
    }
    Pair(const Pair&) = delete;
    Pair& operator=(const Pair&) = delete;

    [[nodiscard]] bool is_over() const { return m_up.over && m_down.over; }

  private:
    struct End {
        sys::Fd fd;
        Loop::Watch watch; // before fd is closed
    };
    struct Way {
        End& from;
        End& to;
        std::string bytes{}; // none while nothing comes
        std::size_t sent = 0;
        bool ended = false; // nothing more comes
        bool over = false;
    };

    void pump(Way& way) {
        while (!way.over) {
            if (way.sent < way.bytes.size()) {
                if (!send(way))
                    return;
            } else if (way.ended) {
                (void)::shutdown(way.to.fd.get(), SHUT_WR);
                finish(way);
            } else if (!receive(way)) {
                return;
            }
        }
    }

    // False: to be gone on with later.
    bool send(Way& way) {
        const ssize_t sent = ::send(way.to.fd.get(), way.bytes.data() + way.sent,
                                    way.bytes.size() - way.sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0) {
            way.sent += static_cast<std::size_t>(sent);
            return true;
        }
        if (errno == EAGAIN)
            way.to.watch.when_writable([this, &way] { pump(way); });
        else if (errno != EINTR)
            fail();
        return errno == EINTR;
    }

    bool receive(Way& way) {
        char chunk[16 << 10];
        const ssize_t got = ::recv(way.from.fd.get(), chunk, sizeof chunk, MSG_DONTWAIT);
        if (got >= 0) {
            way.ended = got == 0;
            way.bytes.assign(chunk, static_cast<std::size_t>(got));
            way.sent = 0;
            return true;
        }
        std::string().swap(way.bytes);
        way.sent = 0;
        if (errno == EAGAIN)
            way.from.watch.when_readable([this, &way] { pump(way); });
        else if (errno != EINTR)
            fail();
        return errno == EINTR;
    }

    void finish(Way& way) {
        way.over = true;
        if (is_over())
            m_over();
    }
    void fail() {
        m_up.over = m_down.over = true;
        m_over();
    }

    End m_client;
    End m_server;
    Loop::Callback m_over;
    Way m_up{m_client, m_server};
    Way m_down{m_server, m_client};
};

Relay::Relay(Loop& loop, int listener) : m_loop(loop), m_listener(listener) {}

Relay::~Relay() = default;

void Relay::open(const TcpAddress& target) {
    open([target]() -> sys::Fd {
        sys::Fd server(::socket(target.family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        sockaddr_storage name{};
        const socklen_t length = target.put_into(name);
        if (server &&
            ::connect(server.get(), reinterpret_cast<const sockaddr*>(&name), length) != 0 &&
            errno != EINPROGRESS)
            return {};
        return server;
    });
}

void Relay::open(Connect connect) {
    m_connect = std::move(connect);
    m_watch.cancel();
    // The slot is ours alone now, so that nobody minds that it does not block.
    (void)::fcntl(m_listener, F_SETFL, ::fcntl(m_listener, F_GETFL) | O_NONBLOCK);
    m_watch = m_loop.watch(m_listener);
    accept();
}

void Relay::finish() {
    accept(Room::all); // what is not accepted now is cut
    close();
}

void Relay::close() {
    m_watch.cancel();
    m_rest.cancel();
}

// All that waits.
void Relay::accept(Room room) {
    for (;;) {
        if (room == Room::spared && !has_room(m_listener)) {
            m_rest = m_loop.after(rest_when_full, [this] { accept(); });
            return;
        }
        sys::Fd client(::accept4(m_listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (client) {
            carry(std::move(client));
            continue;
        }
        if (errno == EAGAIN || errno == EINVAL) // EINVAL: shut down, and soon listening again
            break;
        if (sys::is_shortage(errno)) {
            m_rest = m_loop.after(rest_when_full, [this] { accept(); });
            return;
        }
    }
    m_watch.when_readable([this] { accept(); });
}

void Relay::carry(sys::Fd client) {
    sys::Fd server = m_connect();
    if (!server)
        return; // the client sees a closed connection, as it would without us
    m_pairs.push_back(std::make_unique<Pair>(m_loop, std::move(client), std::move(server), [this] {
        m_sweep = m_loop.after(milliseconds(0), [this] { sweep(); });
    }));
}

void Relay::sweep() {
    m_pairs.erase(std::remove_if(m_pairs.begin(), m_pairs.end(),
                                 [](const auto& pair) { return pair->is_over(); }),
                  m_pairs.end());
}

} // namespace shipit::supervise

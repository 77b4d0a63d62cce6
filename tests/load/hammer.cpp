// A client that notices each single failed request: asks one server over and over, each time on a
// new connection (or on kept ones), until it gets SIGTERM; then prints one JSON object.
//
//   hammer PORT [THREADS [PAUSE_US [keep] [post]]]
//   hammer /PATH/OF/A.sock [THREADS [PAUSE_US [keep] [post]]]
//
// A request fails if its connection is refused, reset or closed early, if the answer is not 200, or
// if it takes longer than 10 s. The answer's body says "release vN"; answers are counted by it.
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
    std::uint16_t port = 0;
    std::string socket; // a Unix socket instead
    unsigned threads = 4;
    unsigned pause_us = 0;
    bool keep = false;
    bool post = false; // which nobody may send twice, where GET can be
};

std::atomic<bool> over{false};

struct Counts {
    std::uint64_t requests = 0;
    std::uint64_t failed = 0;
    std::map<std::string, std::uint64_t> failures; // by reason
    std::map<std::string, std::uint64_t> releases; // by what answered
    std::map<std::string, std::uint64_t> first;    // when it first did: microseconds since 1970
    std::vector<std::uint32_t> microseconds;

    void add(const Counts& other) {
        requests += other.requests;
        failed += other.failed;
        for (const auto& [reason, count] : other.failures)
            failures[reason] += count;
        for (const auto& [release, count] : other.releases)
            releases[release] += count;
        for (const auto& [release, moment] : other.first)
            if (const auto known = first.emplace(release, moment).first; moment < known->second)
                known->second = moment;
        microseconds.insert(microseconds.end(), other.microseconds.begin(),
                            other.microseconds.end());
    }
};

// Thrown with the reason.
struct Failure {
    std::string reason;
};

[[noreturn]] void fail(const char* what) {
    throw Failure{fmt::format("{}: {}", what, std::strerror(errno))};
}

class Connection {
  public:
    explicit Connection(const Options& options) {
        const bool is_tcp = options.socket.empty();
        m_fd = ::socket(is_tcp ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const timeval patience{10, 0};
        (void)::setsockopt(m_fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        if (!(is_tcp ? connect_to_port(options.port) : connect_to_socket(options.socket))) {
            const int error = errno;
            ::close(m_fd);
            errno = error;
            fail("connect");
        }
    }
    ~Connection() { ::close(m_fd); }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    // The whole answer to one request.
    std::string ask(bool keep, bool post) {
        const std::string request = request_for(keep, post);
        if (::send(m_fd, request.data(), request.size(), MSG_NOSIGNAL) !=
            static_cast<ssize_t>(request.size()))
            fail("send");
        std::string answer;
        char chunk[4096];
        for (;;) {
            const ssize_t got = ::recv(m_fd, chunk, sizeof chunk, 0);
            if (got < 0)
                fail("receive");
            if (got == 0 && (keep || answer.empty()))
                throw Failure{"closed without an answer"};
            if (got == 0)
                return answer;
            answer.append(chunk, static_cast<std::size_t>(got));
            if (keep && is_whole(answer))
                return answer;
        }
    }

  private:
    static std::string request_for(bool keep, bool post) {
        return fmt::format("{} / HTTP/1.1\r\nHost: localhost\r\nConnection: {}\r\n{}",
                           post ? "POST" : "GET", keep ? "keep-alive" : "close",
                           post ? "Content-Length: 5\r\n\r\nhello" : "\r\n");
    }
    bool connect_to_port(std::uint16_t port) const {
        const int on = 1;
        (void)::setsockopt(m_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        sockaddr_in name{};
        name.sin_family = AF_INET;
        name.sin_port = htons(port);
        name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return ::connect(m_fd, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0;
    }
    bool connect_to_socket(const std::string& socket) const {
        sockaddr_un name{};
        name.sun_family = AF_UNIX;
        std::memcpy(name.sun_path, socket.c_str(), std::min(socket.size(), sizeof name.sun_path));
        return ::connect(m_fd, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0;
    }
    static bool is_whole(const std::string& answer) {
        const auto head = answer.find("\r\n\r\n");
        if (answer.find("ncoding: chunked\r\n") < head)
            return answer.ends_with("\r\n0\r\n\r\n");
        const auto length = answer.find("ontent-Length: ");
        if (head == std::string::npos || length == std::string::npos || length > head)
            return false;
        std::size_t size = 0;
        std::from_chars(answer.data() + length + 15, answer.data() + head, size);
        return answer.size() >= head + 4 + size;
    }

    int m_fd;
};

std::string release_in(const std::string& answer) {
    if (answer.size() < 12 || answer.compare(9, 3, "200") != 0)
        throw Failure{"answered " + answer.substr(0, answer.find('\r'))};
    const auto at = answer.find("release ");
    if (at == std::string::npos)
        throw Failure{"an answer without its end"};
    const auto end = answer.find_first_not_of("v0123456789", at + 8);
    return answer.substr(at + 8, end == std::string::npos ? end : end - at - 8);
}

std::uint64_t microseconds_since_1970() {
    using namespace std::chrono;
    return static_cast<std::uint64_t>(
        duration_cast<microseconds>(system_clock::now().time_since_epoch()).count());
}

void hammer(const Options& options, Counts& counts) {
    std::unique_ptr<Connection> kept;
    while (!over) {
        const auto begun = Clock::now();
        ++counts.requests;
        try {
            if (!kept)
                kept = std::make_unique<Connection>(options);
            const std::string answer = kept->ask(options.keep, options.post);
            const std::string release = release_in(answer);
            if (++counts.releases[release] == 1)
                counts.first[release] = microseconds_since_1970();
            counts.microseconds.push_back(static_cast<std::uint32_t>(
                std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begun)
                    .count()));
            // nginx says so after 1,000 requests.
            if (!options.keep || answer.find("onnection: close\r\n") != std::string::npos)
                kept.reset();
        } catch (const Failure& failure) {
            kept.reset();
            ++counts.failed;
            ++counts.failures[failure.reason];
        }
        if (options.pause_us > 0)
            ::usleep(options.pause_us);
    }
}

std::string object_of(const std::map<std::string, std::uint64_t>& counts) {
    std::string text;
    for (const auto& [name, count] : counts)
        text += fmt::format("{}\"{}\": {}", text.empty() ? "" : ", ", name, count);
    return "{" + text + "}";
}

void print(Counts counts) {
    std::sort(counts.microseconds.begin(), counts.microseconds.end());
    const auto at = [&counts](double share) {
        const auto size = counts.microseconds.size();
        if (size == 0)
            return std::uint32_t{0};
        return counts.microseconds[std::min(
            size - 1, static_cast<std::size_t>(share * static_cast<double>(size)))];
    };
    fmt::print("{{\"requests\": {}, \"failed\": {}, \"failures\": {}, \"releases\": {}, \"first\": "
               "{}, \"p50_us\": {}, \"p99_us\": {}, \"p999_us\": {}, \"max_us\": {}}}\n",
               counts.requests, counts.failed, object_of(counts.failures),
               object_of(counts.releases), object_of(counts.first), at(0.5), at(0.99), at(0.999),
               at(1));
}

} // namespace

int main(int argc, char** argv) {
    Options options;
    if (argc > 1 && argv[1][0] == '/')
        options.socket = argv[1];
    else
        options.port = static_cast<std::uint16_t>(argc > 1 ? std::stoi(argv[1]) : 0);
    options.threads = static_cast<unsigned>(argc > 2 ? std::stoi(argv[2]) : 4);
    options.pause_us = static_cast<unsigned>(argc > 3 ? std::stoi(argv[3]) : 0);
    for (int i = 4; i < argc; ++i)
        (std::strcmp(argv[i], "post") == 0 ? options.post : options.keep) = true;
    sigset_t end;
    sigemptyset(&end);
    sigaddset(&end, SIGTERM);
    sigaddset(&end, SIGINT);
    ::pthread_sigmask(SIG_BLOCK, &end, nullptr); // inherited by the threads
    std::vector<Counts> counts(options.threads);
    std::vector<std::thread> threads;
    for (Counts& each : counts)
        threads.emplace_back([&options, &each] { hammer(options, each); });
    int signal = 0;
    ::sigwait(&end, &signal);
    over = true;
    Counts all;
    for (unsigned i = 0; i < options.threads; ++i) {
        threads[i].join();
        all.add(counts[i]);
    }
    const bool lost = all.failed > 0;
    print(std::move(all));
    return lost ? 1 : 0;
}

// A client that notices each single failed request: asks one server over and over, each time on a
// new connection (or on kept ones), until it gets SIGTERM; then prints one JSON object. SIGUSR1
// begins a new phase: there is one object, in one line, for each.
//
//   hammer PORT [THREADS [PAUSE_US [keep] [post] [paced] [all]]]
//   hammer /PATH/OF/A.sock [THREADS [PAUSE_US [keep] [post] [paced] [all]]]
//
// A request fails if its connection is refused, reset or closed early, if the answer is not 200, or
// if it takes longer than 10 s. The answer's body says "release vN"; answers are counted by it, and
// of each release the moments of its first and last one are told (microseconds since 1970), and
// when the last of its requests began; of what failed, when it did.
//
// paced: PAUSE_US is the time from one request's begin to the next one's, and latencies count from
// when a request was due, so that a stall costs all whom it kept waiting. all: prints each latency.
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstring>
#include <limits>
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
    bool paced = false;
    bool all = false;
};

std::atomic<bool> over{false};
std::atomic<unsigned> phase{0};

// What one release has answered; moments of the real-time clock.
struct Answers {
    std::uint64_t count = 0;
    std::int64_t first_us = std::numeric_limits<std::int64_t>::max();
    std::int64_t last_us = 0;
    std::int64_t last_begun_us = 0;

    void add(const Answers& other) {
        count += other.count;
        first_us = std::min(first_us, other.first_us);
        last_us = std::max(last_us, other.last_us);
        last_begun_us = std::max(last_begun_us, other.last_begun_us);
    }
};

struct Counts {
    std::uint64_t requests = 0;
    std::uint64_t failed = 0;
    std::map<std::string, std::uint64_t> failures; // by reason
    std::vector<std::int64_t> failed_us;
    std::map<std::string, Answers> releases;
    std::vector<std::uint32_t> microseconds;

    void add(const Counts& other) {
        requests += other.requests;
        failed += other.failed;
        for (const auto& [reason, count] : other.failures)
            failures[reason] += count;
        for (const auto& [release, answers] : other.releases)
            releases[release].add(answers);
        failed_us.insert(failed_us.end(), other.failed_us.begin(), other.failed_us.end());
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

std::int64_t microseconds_since_1970() {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

void count_answer(Counts& counts, const std::string& release, Clock::time_point begun) {
    const auto now = microseconds_since_1970();
    const auto taken =
        std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begun).count();
    counts.releases[release].add({1, now, now, now - taken});
    counts.microseconds.push_back(static_cast<std::uint32_t>(taken));
}

void count_failure(Counts& counts, const std::string& reason) {
    ++counts.failed;
    ++counts.failures[reason];
    counts.failed_us.push_back(microseconds_since_1970());
}

// By phase; a request belongs to that in which it ends.
using Phases = std::vector<Counts>;

Counts& current(Phases& phases) {
    while (phases.size() <= phase)
        phases.emplace_back();
    return phases.back();
}

void hammer(const Options& options, Clock::time_point due, Phases& phases) {
    std::unique_ptr<Connection> kept;
    while (!over) {
        if (options.paced)
            std::this_thread::sleep_until(due);
        const auto begun = options.paced ? due : Clock::now();
        try {
            if (!kept)
                kept = std::make_unique<Connection>(options);
            const std::string answer = kept->ask(options.keep, options.post);
            count_answer(current(phases), release_in(answer), begun);
            // nginx says so after 1,000 requests.
            if (!options.keep || answer.find("onnection: close\r\n") != std::string::npos)
                kept.reset();
        } catch (const Failure& failure) {
            kept.reset();
            count_failure(current(phases), failure.reason);
        }
        ++current(phases).requests;
        due += std::chrono::microseconds(options.pause_us);
        if (!options.paced && options.pause_us > 0)
            ::usleep(options.pause_us);
    }
}

template <typename Value, typename Number>
std::string object_of(const std::map<std::string, Value>& values, Number number) {
    std::string text;
    for (const auto& [name, value] : values)
        text += fmt::format("{}\"{}\": {}", text.empty() ? "" : ", ", name, number(value));
    return "{" + text + "}";
}

template <typename Number>
std::string list_of(const std::vector<Number>& numbers) {
    std::string text;
    for (const Number number : numbers)
        text += fmt::format("{}{}", text.empty() ? "" : ",", number);
    return "[" + text + "]";
}

void print(Counts counts, bool all) {
    std::sort(counts.microseconds.begin(), counts.microseconds.end());
    const auto at = [&counts](double share) {
        const auto size = counts.microseconds.size();
        if (size == 0)
            return std::uint32_t{0};
        return counts.microseconds[std::min(
            size - 1, static_cast<std::size_t>(share * static_cast<double>(size)))];
    };
    fmt::print("{{\"requests\": {}, \"failed\": {}, \"failures\": {}, ", counts.requests,
               counts.failed, object_of(counts.failures, [](auto count) { return count; }));
    fmt::print("\"failed_us\": {}, \"last_begun_us\": {}, ", list_of(counts.failed_us),
               object_of(counts.releases, [](const Answers& each) { return each.last_begun_us; }));
    fmt::print("\"releases\": {}, \"first_us\": {}, \"last_us\": {}, ",
               object_of(counts.releases, [](const Answers& each) { return each.count; }),
               object_of(counts.releases, [](const Answers& each) { return each.first_us; }),
               object_of(counts.releases, [](const Answers& each) { return each.last_us; }));
    fmt::print("\"p50_us\": {}, \"p99_us\": {}, \"p999_us\": {}, \"max_us\": {}", at(0.5), at(0.99),
               at(0.999), at(1));
    fmt::print("{}}}\n", all ? ", \"all_us\": " + list_of(counts.microseconds) : "");
}

Options options_of(const std::vector<std::string>& words) {
    Options options;
    if (!words.empty() && words[0][0] == '/')
        options.socket = words[0];
    else if (!words.empty())
        options.port = static_cast<std::uint16_t>(std::stoi(words[0]));
    if (words.size() > 1)
        options.threads = static_cast<unsigned>(std::stoi(words[1]));
    if (words.size() > 2)
        options.pause_us = static_cast<unsigned>(std::stoi(words[2]));
    const auto is_there = [&words](const char* word) {
        return std::find(words.begin(), words.end(), word) != words.end();
    };
    options.keep = is_there("keep");
    options.post = is_there("post");
    options.paced = is_there("paced");
    options.all = is_there("all");
    return options;
}

sigset_t signals_of_ours() {
    sigset_t ours;
    sigemptyset(&ours);
    for (const int signal : {SIGTERM, SIGINT, SIGUSR1})
        sigaddset(&ours, signal);
    return ours;
}

} // namespace

int main(int argc, char** argv) {
    const Options options = options_of({argv + 1, argv + argc});
    const sigset_t ours = signals_of_ours();
    ::pthread_sigmask(SIG_BLOCK, &ours, nullptr); // inherited by the threads
    std::vector<Phases> phases(options.threads);
    std::vector<std::thread> threads;
    // Not all at the same moment.
    const auto apart = std::chrono::microseconds(options.pause_us / std::max(1U, options.threads));
    for (unsigned i = 0; i < options.threads; ++i)
        threads.emplace_back([&options, &mine = phases[i], due = Clock::now() + i * apart] {
            hammer(options, due, mine);
        });
    int signal = 0;
    while (::sigwait(&ours, &signal) == 0 && signal == SIGUSR1)
        ++phase;
    over = true;
    for (std::thread& thread : threads)
        thread.join();
    std::uint64_t failed = 0;
    for (unsigned number = 0; number <= phase; ++number) {
        Counts all;
        for (const Phases& each : phases)
            if (number < each.size())
                all.add(each[number]);
        failed += all.failed;
        print(std::move(all), options.all);
    }
    return failed > 0 ? 1 : 0;
}

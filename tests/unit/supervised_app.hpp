// A supervisor in a process of its own, and the small programs that it is told to run.
#pragma once

#include "core/base/error.hpp"
#include "core/supervise/client.hpp"
#include "core/supervise/supervisor.hpp"
#include "core/sys/clock.hpp"
#include "tests/unit/test_folder.hpp"

#include <csignal>
#include <functional>
#include <random>
#include <string>

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace shipit::tests {

using supervise::Client;
using supervise::Generation;
using supervise::Program;

// A port that nobody listens on now. Not one that the system gives to connections of others, who
// would then be in the way, or to our own, which would then be connected to themselves.
inline std::uint16_t free_port() {
    constexpr int lowest = 10000;
    constexpr int highest = 32000;
    std::random_device random;
    for (;;) {
        const auto port =
            static_cast<std::uint16_t>(std::uniform_int_distribution(lowest, highest)(random));
        const sys::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0)
            return port;
    }
}

// Before it is given up that something comes: a machine may be very busy, and sanitizers are slow.
constexpr std::chrono::seconds patience{60};

// Waits until `is_true`, as long as there is patience; looks every few milliseconds.
inline bool eventually(const std::function<bool()>& is_true) {
    const sys::Deadline deadline(patience);
    while (!is_true()) {
        if (deadline.passed())
            return false;
        ::usleep(5000);
    }
    return true;
}

inline std::size_t descriptors_of(pid_t pid) {
    return sys::names_in("/proc/" + std::to_string(pid) + "/fd").size();
}

// A little web server: answers `status` and its release's name, on /crash it exits.
constexpr const char* web_server = R"py(
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == '/crash':
            os._exit(3)
        broken = os.path.exists('broken') or os.environ.get('STATUS')
        self.send_response(int(os.environ.get('STATUS', '500')) if broken else 200)
        self.end_headers()
        self.wfile.write(('release ' + os.environ['SHIPIT_RELEASE']).encode())
    def log_message(self, *arguments): pass
class Server(http.server.HTTPServer):
    def server_bind(self):
        self.socket.setsockopt(1, 2, 1)
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = 'localhost', self.server_address[1]
print('listening', flush=True)
Server(('127.0.0.1', int(os.environ['PORT'])), Handler).serve_forever()
)py";

class SupervisedApp {
  public:
    SupervisedApp() : m_port(free_port()) {
        sys::make_folders(run(), 0700);
        sys::make_folders(log(), 0755);
        sys::replace_durably(m_folder / "server.py", web_server, 0644);
    }
    ~SupervisedApp() {
        if (m_pid > 0)
            (void)end_supervisor();
    }
    SupervisedApp(const SupervisedApp&) = delete;
    SupervisedApp& operator=(const SupervisedApp&) = delete;

    [[nodiscard]] sys::Path run() const { return m_folder / "run"; }
    [[nodiscard]] sys::Path log() const { return m_folder / "log"; }
    [[nodiscard]] const sys::Path& folder() const { return m_folder.path(); }
    [[nodiscard]] std::uint16_t port() const { return m_port; }
    [[nodiscard]] pid_t pid() const { return m_pid; }

    [[nodiscard]] Program program(const std::string& name, std::uint64_t release,
                                  const std::string& command) const {
        Program program;
        program.name = name;
        program.type = name.substr(0, name.find('.'));
        program.command = command;
        program.environment = {{"PATH", "/usr/bin:/bin"},
                               {"PORT", std::to_string(m_port)},
                               {"SHIPIT_APP", "test"},
                               {"SHIPIT_RELEASE", "v" + std::to_string(release)},
                               {"SHIPIT_PROCESS", name}};
        program.folder = m_folder.path();
        program.overlaps = program.type == "web";
        program.stop_timeout = std::chrono::seconds(2);
        return program;
    }

    // One web server with an HTTP check.
    [[nodiscard]] Generation web(std::uint64_t release) const {
        Generation generation{ReleaseNumber(release), {}, {}, m_port};
        generation.programs.push_back(program("web.1", release, "python3 -S -E server.py"));
        generation.health.path = "/healthz";
        generation.health.timeout = std::chrono::seconds(5);
        generation.health.watch = std::chrono::milliseconds(0);
        return generation;
    }

    // One process that does not listen.
    [[nodiscard]] Generation worker(std::uint64_t release, const std::string& command) const {
        Generation generation{ReleaseNumber(release), {}, {}, std::nullopt};
        generation.programs.push_back(program("worker.1", release, command));
        generation.health.timeout = std::chrono::seconds(5);
        generation.health.watch = std::chrono::milliseconds(0);
        return generation;
    }

    // What `current` says should run; may be changed while the supervisor runs.
    void set_live(const Generation& generation) const {
        sys::replace_durably(m_folder / "live", supervise::to_json(generation).dump(), 0600);
    }

    void supervise() {
        m_pid = ::fork();
        REQUIRE(m_pid >= 0);
        if (m_pid == 0)
            supervise_here();
        REQUIRE(eventually([this] { return Client::answers(run(), patience); }));
    }

    void kill_supervisor() {
        ::kill(m_pid, SIGKILL);
        ::waitpid(std::exchange(m_pid, 0), nullptr, 0);
    }
    // SIGTERM; gives its exit status.
    int end_supervisor() {
        const pid_t supervisor = std::exchange(m_pid, 0);
        ::kill(supervisor, SIGTERM);
        int status = 0;
        const bool ended =
            eventually([&] { return ::waitpid(supervisor, &status, WNOHANG) == supervisor; });
        if (!ended) {
            FAIL_CHECK("the supervisor does not end: "
                       << sys::read_file_if_any(log() / "supervisor.log").value_or(""));
            ::kill(supervisor, SIGABRT);
            ::waitpid(supervisor, &status, 0);
        }
        return status;
    }

    [[nodiscard]] Json ask(const Json& request) const {
        return Client(run()).ask(request, patience);
    }
    [[nodiscard]] Json ask(const char* request) const {
        return ask(Json::object({{"request", request}}));
    }
    // The status of one process, null if there is none.
    [[nodiscard]] Json process(const std::string& name) const {
        const Json status = ask("status");
        for (const Json& process : status["processes"].items())
            if (process["name"].text() == name)
                return process;
        return {};
    }
    [[nodiscard]] bool is_up(const std::string& name) const {
        return process(name)["state"].text() == "up";
    }
    [[nodiscard]] pid_t pid_of(const std::string& name) const {
        return static_cast<pid_t>(process(name)["pid"].integer());
    }

    // Replaces the running generation and commits, moving `live` in between as a deploy does.
    Json deploy(const Generation& generation) const {
        Client client(run());
        return client.ask(
            Json::object({{"request", "replace"}, {"generation", supervise::to_json(generation)}}),
            patience, [&](const Json& event) {
                if (event["event"].text() != "healthy")
                    return;
                set_live(generation);
                client.send(Json::object({{"request", "commit"}}));
            });
    }

    // The whole answer to GET `path`; empty if nobody answers.
    [[nodiscard]] std::string get(const std::string& path = "/") const {
        const sys::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const timeval at_most{patience.count(), 0};
        (void)::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &at_most, sizeof at_most);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(m_port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
            return {};
        const std::string request = "GET " + path + " HTTP/1.0\r\n\r\n";
        (void)!::write(fd.get(), request.data(), request.size());
        std::string answer;
        char chunk[1000];
        for (ssize_t got = 0; (got = ::read(fd.get(), chunk, sizeof chunk)) > 0;)
            answer.append(chunk, static_cast<std::size_t>(got));
        return answer;
    }
    [[nodiscard]] bool serves(const std::string& release) const {
        return get().find("release " + release) != std::string::npos;
    }

    // What the callbacks told, a line each.
    [[nodiscard]] std::string told() const {
        return sys::read_file_if_any(m_folder / "told").value_or("");
    }

    // Options of the supervisor that a test wants otherwise.
    std::function<void(supervise::SupervisorOptions&)> adjust;

  private:
    [[noreturn]] void supervise_here() const {
        try {
            supervise::SupervisorOptions options;
            options.run_folder = run();
            options.log_folder = log();
            options.live = [this]() -> std::optional<Generation> {
                const auto live = sys::read_file_if_any(m_folder / "live");
                if (!live)
                    return std::nullopt;
                return supervise::generation_from(Json::parse(*live));
            };
            const auto tell = [this](const std::string& line) {
                sys::append_durably(m_folder / "told", line + "\n", 0600);
            };
            options.on_good = [tell](ReleaseNumber release) { tell("good " + release.text()); };
            options.on_watch_failed = [tell](ReleaseNumber release, const std::string& why,
                                             supervise::Told told) {
                tell("failed " + release.text() + ": " + why +
                     (told == supervise::Told::who_stays ? " (kept)" : ""));
            };
            options.on_crash_loop = [tell](ReleaseNumber release, const std::string& process) {
                tell("crash loop " + release.text() + " " + process);
            };
            if (adjust)
                adjust(options);
            supervise::Supervisor(std::move(options)).run();
            ::_exit(0);
        } catch (const std::exception& error) {
            sys::append_durably(m_folder / "told", std::string("ended: ") + error.what() + "\n",
                                0600);
            ::_exit(1);
        }
    }

    TestFolder m_folder;
    std::uint16_t m_port;
    pid_t m_pid = 0;
};

} // namespace shipit::tests

// Runs shipit and disturbs it at one of its system calls.
//
//   fault_runner [OPTION]... -- SHIPIT ARGUMENT...
//
//   --kill=N              kill it when it is about to make call N
//   --fail=N:ENAME        let call N of those that can fail with ENAME do so
//   --fail-from=N:ENAME   and all after it, too
//   --cut=N               shut the file system of --under down, then kill it
//   --flush-log           with --cut: the file system's log is flushed before
//   --whose=supervisor    disturb the supervisor, not the command: what it has started goes on
//   --under=DIR           only calls that name something in DIR count
//   --while=FILE          only calls that are made while this file is there count
//   --only=NAME,...       only calls of these names count
//   --report=FILE         what happened: a line for the call "N what name target", and a last one,
//                         "end STATUS COUNTED"
//   --all                 report each call that counts
//
// Its exit status is that of the command, 128+n where that was killed by signal n, and 125 if it
// could not be traced. A supervisor that the command started stays traced, by a process of its own
// that ends when it does.
#include "tests/fault/tracer.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace shipit::fault;

constexpr int cannot_trace = 125;
constexpr int signal_base = 128;

struct Options {
    Disturbance disturbance;
    std::string report = "/dev/null";
    bool tells_all = false;
    std::vector<std::string> words;
};

std::uint64_t number_in(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (fault != std::errc() || end != text.data() + text.size() || number == 0)
        throw std::invalid_argument(fmt::format("'{}' is no number of a call", text));
    return number;
}

void disturb_by(Disturbance& disturbance, Disturbance::Action action, std::string_view value) {
    const auto colon = value.find(':');
    disturbance.action = action;
    disturbance.at = number_in(value.substr(0, colon));
    if (colon == std::string_view::npos)
        return;
    disturbance.error_number = error_named(std::string(value.substr(colon + 1)));
    if (disturbance.error_number == 0)
        throw std::invalid_argument(fmt::format("'{}' names no error", value.substr(colon + 1)));
}

std::vector<std::string> parts_of(std::string_view text) {
    std::vector<std::string> parts;
    for (std::size_t at = 0; at <= text.size();) {
        const auto end = std::min(text.find(',', at), text.size());
        parts.emplace_back(text.substr(at, end - at));
        at = end + 1;
    }
    return parts;
}

bool take_action(Disturbance& disturbance, std::string_view name, std::string_view value) {
    using Action = Disturbance::Action;
    if (name == "--kill")
        disturb_by(disturbance, Action::kill, value);
    else if (name == "--fail")
        disturb_by(disturbance, Action::fail, value);
    else if (name == "--fail-from")
        disturb_by(disturbance, Action::keep_failing, value);
    else if (name == "--cut")
        disturb_by(disturbance, Action::cut_power, value);
    else
        return false;
    return true;
}

bool take_scope(Disturbance& disturbance, std::string_view name, std::string_view value) {
    if (name == "--whose")
        disturbance.whose = value == "supervisor" ? Role::supervisor : Role::command;
    else if (name == "--under")
        disturbance.under = value;
    else if (name == "--while")
        disturbance.during = value;
    else if (name == "--only")
        disturbance.only = parts_of(value);
    else if (name == "--flush-log")
        disturbance.flushes_log = true;
    else
        return false;
    return true;
}

Options options_of(const std::vector<std::string>& arguments) {
    Options options;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string_view argument = arguments[i];
        const auto equals = std::min(argument.find('='), argument.size());
        const auto name = argument.substr(0, equals);
        const auto value = argument.substr(std::min(equals + 1, argument.size()));
        if (name == "--") {
            options.words.assign(arguments.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                                 arguments.end());
            break;
        }
        if (name == "--report")
            options.report = value;
        else if (name == "--all")
            options.tells_all = true;
        else if (!take_action(options.disturbance, name, value) &&
                 !take_scope(options.disturbance, name, value))
            throw std::invalid_argument(fmt::format("there is no option '{}'", argument));
    }
    if (options.words.empty())
        throw std::invalid_argument("there is no command behind '--'");
    return options;
}

// Each line is written at once: others read while we write.
class Report {
  public:
    explicit Report(const std::string& file)
        : m_fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) {}
    void tell(const std::string& line) const { (void)!::write(m_fd, line.data(), line.size()); }

  private:
    int m_fd;
};

// The process that traces; its own output is nobody's, since it may outlive whoever waits for that.
[[noreturn]] void trace(const Options& options, int to_parent) {
    const Report report(options.report);
    Tracer tracer(
        options.disturbance,
        [&report](std::uint64_t number, const Call& call, const char* what) {
            report.tell(fmt::format("{} {} {} {}\n", number, what, call.name, call.target));
        },
        options.tells_all);
    try {
        tracer.start(options.words);
        const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
        for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
            (void)::dup2(null, stream);
        tracer.run([&](int status) {
            const int code =
                WIFSIGNALED(status) ? signal_base + WTERMSIG(status) : WEXITSTATUS(status);
            report.tell(fmt::format("end {} {}\n", code, tracer.counted()));
            (void)!::write(to_parent, &code, sizeof code);
        });
    } catch (const std::exception& error) {
        report.tell(fmt::format("error {}\n", error.what()));
    }
    ::_exit(0);
}

int status_from(int tracer) {
    int code = cannot_trace;
    while (::read(tracer, &code, sizeof code) < 0 && errno == EINTR) {
    }
    return code;
}

} // namespace

int main(int argc, char** argv) {
    try {
        const Options options = options_of({argv + 1, argv + argc});
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0)
            throw std::runtime_error("cannot make a pipe");
        const pid_t tracer = ::fork();
        if (tracer == 0)
            trace(options, ends[1]);
        ::close(ends[1]);
        return status_from(ends[0]);
    } catch (const std::exception& error) {
        fmt::print(stderr, "fault_runner: {}\n", error.what());
        return cannot_trace;
    }
}

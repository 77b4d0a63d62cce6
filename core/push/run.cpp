#include "core/push/run.hpp"

#include "core/base/text.hpp"
#include "core/sys/folder_watch.hpp"
#include "core/sys/growing_file.hpp"

#include <cerrno>
#include <csignal>
#include <exception>

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

namespace shipit::push {

namespace {

constexpr std::string_view suffix = ".run";
constexpr std::string_view result_begin = R"({"status":)"; // as Result::text() writes it

bool is_result(std::string_view line) {
    return line.starts_with(result_begin);
}

std::string prefix_of(const SlugId& slug, Aim aim) {
    return slug.text() + (aim == Aim::stored ? "+" : "-");
}

enum class State { absent, going_on, ended, cut_short };

bool has_result(const Path& path) {
    auto file = sys::GrowingFile::open(path);
    std::string_view last;
    const auto lines = file ? file->last_lines(1) : std::string();
    for (const auto line : split(lines, '\n'))
        last = line.empty() ? last : line;
    return is_result(last);
}

// A lock of the open file (F_OFD_SETLK in fcntl(2)): a child has it, too, and whoever asks for it
// need not take it.
struct flock whole_file() {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    return lock;
}

State state_of(const Path& path) {
    const sys::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!fd)
        return State::absent;
    // Asked first: the result is written before the lock goes.
    auto lock = whole_file();
    const bool is_locked = ::fcntl(fd.get(), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    if (has_result(path))
        return State::ended;
    return is_locked ? State::going_on : State::cut_short;
}

// In the child: away from terminal and connection.
void leave_session() {
    (void)::setsid();
    (void)std::signal(SIGHUP, SIG_IGN);
    (void)std::signal(SIGPIPE, SIG_IGN);
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        (void)::dup2(null, stream);
}

} // namespace

Path run_of(const Path& arrivals, const SlugId& slug, const std::string& token, Aim aim) {
    return arrivals / fmt::format("{}{}{}", prefix_of(slug, aim), token, suffix);
}

std::optional<Path> run_to_join(const Path& arrivals, const SlugId& slug, const std::string& token,
                                Aim aim) {
    if (!sys::is_there(arrivals))
        return std::nullopt;
    const auto own = run_of(arrivals, slug, token, aim);
    const auto state = state_of(own);
    if (state == State::ended || state == State::going_on)
        return own;
    for (const auto& name : sys::names_in(arrivals))
        if (name.starts_with(prefix_of(slug, aim)) && is_run(name) && is_going_on(arrivals / name))
            return arrivals / name;
    return std::nullopt;
}

bool is_run(std::string_view name) {
    return name.ends_with(suffix);
}

bool is_going_on(const Path& run) {
    return state_of(run) == State::going_on;
}

std::optional<Run> Run::begin(const Path& path) {
    sys::make_folders(path.parent_path(), 0700);
    auto fd = sys::open_file(path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW, 0600);
    auto lock = whole_file();
    if (::fcntl(fd.get(), F_OFD_SETLK, &lock) != 0)
        return std::nullopt;
    if (::ftruncate(fd.get(), 0) != 0)
        throw_errno("cannot write '" + path.string() + "'");
    return Run(path, std::move(fd));
}

void Run::add(const std::string& line) {
    sys::write_all(m_fd.get(), line + "\n", m_path); // with O_APPEND, one write: one line
}

void Run::finish(const Result& result) {
    add(result.text());
}

void detach(const std::function<void()>& work) {
    const pid_t child = ::fork();
    if (child < 0)
        throw_errno("cannot start a process for the deploy");
    if (child > 0)
        return;
    leave_session();
    int status = 0;
    try {
        work();
    } catch (const std::exception&) {
        status = 1; // the run has no result: whoever follows it is told so
    }
    ::_exit(status);
}

int relay(Wire& wire, const Path& run, int output) {
    sys::FolderWatch watch(run.parent_path());
    auto file = sys::GrowingFile::open(run);
    std::optional<Result> result;
    const auto read = [&] {
        file->read_lines([&](std::string_view line) {
            if (is_result(line))
                result = Result::parse(line);
            wire.send(is_result(line) ? Type::result : Type::event, line);
        });
    };
    while (file && !result) {
        const bool is_over = state_of(run) != State::going_on;
        read();
        if (result || is_over)
            break;
        constexpr std::chrono::milliseconds look_again(500); // a killed deploy writes nothing
        if (!watch.wait(look_again, output))
            throw Disconnected("nobody reads it any more");
    }
    if (!result) {
        result = Result::of(Error("the deploy was cut short on the host").advise("push again"));
        wire.send(Type::result, result->text());
    }
    return result->status;
}

} // namespace shipit::push

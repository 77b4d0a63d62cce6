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

// With what is to be made of the slug; the token follows.
std::string prefix_of(const Request& request) {
    const auto& options = request.options;
    return request.slug.text() + (options.no_activate ? "+" : "-") +
           (options.force ? "force-" : "") +
           (options.trial ? fmt::format("trial{}-", options.trial->count()) : "");
}

bool is_of_same_kind(std::string_view name, const Request& request) {
    const auto prefix = prefix_of(request);
    return name.starts_with(prefix) && name.ends_with(suffix) &&
           name.size() == prefix.size() + request.token.size() + suffix.size();
}

std::string last_line_of(const Path& path) {
    auto file = sys::GrowingFile::open(path);
    std::string_view last;
    const auto lines = file ? file->last_lines(1) : std::string();
    for (const auto line : split(lines, '\n'))
        last = line.empty() ? last : line;
    return std::string(last);
}

// Nothing where it has come to none.
std::optional<Result> result_in(const Path& path) {
    const auto last = last_line_of(path);
    try {
        return is_result(last) ? std::optional(Result::parse(last)) : std::nullopt;
    } catch (const Error&) {
        return std::nullopt; // half of it, on a full disk
    }
}

// A lock of the open file (F_OFD_SETLK in fcntl(2)): a child has it, too, and whoever asks for it
// need not take it.
struct flock whole_file() {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    return lock;
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

Path run_of(const Path& arrivals, const Request& request) {
    return arrivals / fmt::format("{}{}{}", prefix_of(request), request.token, suffix);
}

std::optional<Path> run_to_join(const Path& arrivals, const Request& request,
                                const std::function<bool(const Result& result)>& is_still_so) {
    if (!sys::is_there(arrivals))
        return std::nullopt;
    const auto own = run_of(arrivals, request);
    if (is_going_on(own))
        return own;
    if (const auto result = result_in(own); result && (result->status != 0 || is_still_so(*result)))
        return own;
    for (const auto& name : sys::names_in(arrivals))
        if (is_of_same_kind(name, request) && is_going_on(arrivals / name))
            return arrivals / name;
    return std::nullopt;
}

bool is_run(std::string_view name) {
    return name.ends_with(suffix);
}

bool is_going_on(const Path& run) {
    const sys::Fd fd(::open(run.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    // Asked first: the result is written before the lock goes.
    auto lock = whole_file();
    const bool is_locked =
        fd && ::fcntl(fd.get(), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    return is_locked && !is_result(last_line_of(run));
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
        const bool is_over = !is_going_on(run);
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

#include "core/supervise/log_pipe.hpp"

#include "core/base/error.hpp"
#include "core/sys/clock.hpp"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace shipit::supervise {

namespace {

constexpr int pipe_capacity = 1 << 20; // what a process can write while there is no supervisor
constexpr std::size_t log_chunk = 32 << 10;
constexpr unsigned drained_chunks = std::size_t{2} * pipe_capacity / log_chunk;
constexpr std::size_t tail_lines = 20;
constexpr std::size_t longest_tail_line = 1000;

} // namespace

// NOLINTNEXTLINE(readability-function-size): six things of six kinds, for one maker of pipes.
LogPipe::LogPipe(Loop& loop, Path fifo, Source source, const std::optional<sys::Account>& user,
                 LogFile& log, sys::Fd held)
    : m_path(std::move(fifo)), m_source(std::move(source)), m_log(log), m_fd(std::move(held)) {
    if (!m_fd)
        make(user);
    m_watch = loop.watch(m_fd.get());
    listen();
}

void LogPipe::make(const std::optional<sys::Account>& user) {
    if (::mkfifo(m_path.c_str(), S_IRUSR | S_IWUSR) != 0 && errno != EEXIST)
        throw_errno("cannot make '" + m_path.string() + "'");
    // For reading and writing here too: with a writer of our own it never comes to its end.
    m_fd = sys::open_file(m_path, O_RDWR | O_NONBLOCK | O_NOFOLLOW);
    struct stat facts {};
    if (::fstat(m_fd.get(), &facts) != 0 || !S_ISFIFO(facts.st_mode))
        throw Error("'" + m_path.string() + "' is in the way of a pipe");
    if (user && facts.st_uid != user->uid &&
        ::fchown(m_fd.get(), user->uid, static_cast<gid_t>(-1)) != 0)
        throw_errno("cannot give '" + m_path.string() + "' to user '" + user->name + "'");
    (void)::fcntl(m_fd.get(), F_SETPIPE_SZ, pipe_capacity); // refused: 64 KiB will do
}

sys::Fd LogPipe::writer() const {
    return sys::open_file(m_path, O_RDWR | O_NOFOLLOW);
}

void LogPipe::listen() {
    m_watch.when_readable([this] {
        read_chunk();
        listen(); // one chunk at a time: others get their turn
    });
}

bool LogPipe::read_chunk() {
    char chunk[log_chunk];
    const ssize_t got = ::read(m_fd.get(), chunk, sizeof chunk);
    if (got <= 0)
        return got < 0 && errno == EINTR;
    take({chunk, static_cast<std::size_t>(got)});
    m_log.append(m_records);
    m_records.clear();
    return true;
}

void LogPipe::take(std::string_view chunk) {
    m_prefix = log_prefix(sys::now(), m_source.release, m_source.process);
    while (!chunk.empty()) {
        if (m_line.size() == longest_log_line && chunk.front() != '\n')
            end_line(log_line_goes_on);
        const std::size_t newline = std::min(chunk.find('\n'), chunk.size());
        const std::size_t room = longest_log_line - m_line.size();
        const std::size_t piece = std::min(newline, room);
        m_line += chunk.substr(0, piece);
        chunk.remove_prefix(piece);
        if (piece == newline && !chunk.empty()) {
            chunk.remove_prefix(1);
            end_line("");
        }
    }
}

void LogPipe::end_line(std::string_view mark) {
    m_records.append(m_prefix).append(m_line).append(mark).append("\n");
    if (m_tail.size() == tail_lines)
        m_tail.pop_front();
    m_line.resize(std::min(m_line.size(), longest_tail_line));
    m_tail.push_back(std::move(m_line));
    m_line.clear();
}

void LogPipe::drain() {
    // A limit, since what the process left behind may be writing still.
    for (unsigned n = 0; n < drained_chunks && read_chunk(); ++n) {
    }
    if (m_line.empty())
        return;
    end_line("");
    m_log.append(m_records);
    m_records.clear();
}

void LogPipe::note(const std::string& text) {
    m_log.append(log_line(sys::now(), m_source.release, m_source.process, text));
}

Json LogPipe::memory(Bequest& bequest) const {
    Json tail = Json::array();
    for (const std::string& line : m_tail)
        tail.push_back(hex_of(line));
    return Json::object(
        {{"fifo", bequest.pass(m_fd.get())}, {"line", hex_of(m_line)}, {"tail", tail}});
}

void LogPipe::recall(const Json& memory) {
    m_line = bytes_of_hex(memory["line"].text());
    for (const Json& line : memory["tail"].items())
        m_tail.push_back(bytes_of_hex(line.text()));
}

void LogPipe::remove() {
    if (sys::is_by_that_name(m_fd, m_path))
        (void)::unlink(m_path.c_str());
}

} // namespace shipit::supervise

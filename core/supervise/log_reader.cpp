#include "core/supervise/log_reader.hpp"

#include "core/base/error.hpp"
#include "core/sys/clock.hpp"

#include <algorithm>
#include <cerrno>
#include <iterator>

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

namespace shipit::supervise {

namespace {

constexpr std::size_t chunk_size = 64 << 10;
constexpr unsigned most_files = 1000;

std::string_view cut_word(std::string_view& rest) {
    const auto space = std::min(rest.find(' '), rest.size());
    const std::string_view word = rest.substr(0, space);
    rest.remove_prefix(std::min(space + 1, rest.size()));
    return word;
}

} // namespace

std::optional<LogRecord> LogRecord::parse(std::string_view line) {
    const auto time = parse_time(cut_word(line));
    if (!time)
        return std::nullopt;
    LogRecord record{*time, ReleaseNumber::parse(cut_word(line)), {}, {}};
    record.process = cut_word(line);
    record.text = line;
    return record;
}

bool LogFilter::takes(const LogRecord& record) const {
    if (release && record.release != release)
        return false;
    return process.empty() || record.process == process ||
           record.process.rfind(process + ".", 0) == 0;
}

LogReader::LogReader(Path newest, LogFilter filter)
    : m_newest(std::move(newest)), m_filter(std::move(filter)) {}

std::optional<LogReader::Position> LogReader::opened(unsigned n) const {
    Position position;
    position.fd.reset(::open(rotated_name(m_newest, n).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!position.fd && errno == ENOENT)
        return std::nullopt;
    if (!position.fd)
        throw_errno("cannot open '" + rotated_name(m_newest, n).string() + "'");
    struct stat facts {};
    if (::fstat(position.fd.get(), &facts) != 0)
        throw_errno("cannot look at the log");
    position.inode = facts.st_ino;
    return position;
}

void LogReader::read_to_end(Position& position, const Take& take) const {
    std::string& line = position.unfinished;
    char chunk[chunk_size];
    for (;;) {
        const ssize_t got =
            ::pread(position.fd.get(), chunk, sizeof chunk, static_cast<off_t>(position.offset));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return;
        position.offset += static_cast<std::uint64_t>(got);
        std::string_view rest(chunk, static_cast<std::size_t>(got));
        for (auto newline = rest.find('\n'); newline != std::string_view::npos;
             newline = rest.find('\n')) {
            line += rest.substr(0, newline);
            rest.remove_prefix(newline + 1);
            if (auto record = LogRecord::parse(line); record && m_filter.takes(*record))
                take(std::move(*record));
            line.clear();
        }
        line += rest;
    }
}

std::vector<LogRecord> LogReader::last(std::size_t count) {
    watch();
    std::deque<LogRecord> found;
    m_position = opened(0);
    for (unsigned n = 0; n < most_files; ++n) {
        std::optional<Position> older;
        if (n > 0 && !(older = opened(n)))
            break;
        std::deque<LogRecord> here;
        const std::size_t wanted = count - found.size();
        const auto take = [&here, wanted](LogRecord record) {
            here.push_back(std::move(record));
            if (here.size() > wanted)
                here.pop_front();
        };
        if (n > 0)
            read_to_end(*older, take);
        else if (m_position)
            read_to_end(*m_position, take);
        found.insert(found.begin(), std::make_move_iterator(here.begin()),
                     std::make_move_iterator(here.end()));
        if (found.size() >= count)
            break;
    }
    return {std::make_move_iterator(found.begin()), std::make_move_iterator(found.end())};
}

void LogReader::read_new(const Take& take) {
    if (m_position)
        read_to_end(*m_position, take);
    auto newest = opened(0);
    if (!newest || (m_position && m_position->inode == newest->inode))
        return;
    // Rotated since: first the files between ours and the newest one, oldest first. Where ours is
    // not among them any more, all of them are new.
    std::deque<Position> between;
    for (unsigned n = 1; n < most_files && m_position; ++n) {
        auto older = opened(n);
        if (!older || older->inode == m_position->inode)
            break;
        between.push_front(std::move(*older));
    }
    if (m_position)
        read_to_end(*m_position, take); // what came between our reading and its renaming
    for (Position& position : between)
        read_to_end(position, take);
    m_position = std::move(newest);
    read_to_end(*m_position, take);
}

std::vector<LogRecord> LogReader::more(std::chrono::milliseconds patience) {
    watch();
    std::vector<LogRecord> found;
    const auto take = [&found](LogRecord record) { found.push_back(std::move(record)); };
    const sys::Deadline deadline(patience);
    for (;;) {
        read_new(take);
        if (!found.empty() || deadline.passed())
            return found;
        wait_for_change(deadline.left());
    }
}

void LogReader::watch() {
    if (m_inotify)
        return;
    m_inotify.reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    const Path folder = m_newest.parent_path();
    if (!m_inotify || ::inotify_add_watch(m_inotify.get(), folder.c_str(),
                                          IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0)
        throw_errno("cannot watch '" + folder.string() + "'");
}

void LogReader::wait_for_change(std::chrono::milliseconds patience) const {
    pollfd wish{m_inotify.get(), POLLIN, 0};
    if (::poll(&wish, 1, static_cast<int>(patience.count())) <= 0)
        return;
    char events[4096]; // their content does not matter: the files are looked at anew
    while (::read(m_inotify.get(), events, sizeof events) > 0) {
    }
}

} // namespace shipit::supervise

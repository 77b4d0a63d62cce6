#include "core/supervise/log_reader.hpp"

#include "core/base/error.hpp"
#include "core/sys/clock.hpp"

#include <algorithm>
#include <iterator>

namespace shipit::supervise {

namespace {

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

std::optional<sys::GrowingFile> LogReader::opened(unsigned n) const {
    return sys::GrowingFile::open(rotated_name(m_newest, n));
}

void LogReader::read_to_end(sys::GrowingFile& file, const Take& take) const {
    file.read_lines([&](std::string_view line) {
        if (auto record = LogRecord::parse(line); record && m_filter.takes(*record))
            take(std::move(*record));
    });
}

std::vector<LogRecord> LogReader::last(std::size_t count) {
    watch();
    std::deque<LogRecord> found;
    const auto look_into = [&](sys::GrowingFile& file) {
        std::deque<LogRecord> here;
        const std::size_t wanted = count - found.size();
        read_to_end(file, [&here, wanted](LogRecord record) {
            here.push_back(std::move(record));
            if (here.size() > wanted)
                here.pop_front();
        });
        found.insert(found.begin(), std::make_move_iterator(here.begin()),
                     std::make_move_iterator(here.end()));
    };
    m_file = opened(0);
    if (m_file)
        look_into(*m_file);
    std::optional<sys::GrowingFile> older;
    for (unsigned n = 1; n < most_files && found.size() < count; ++n) {
        auto next = opened(n);
        if (!next)
            break;
        const auto& latest = older ? older : m_file;
        if (latest && latest->is_same_as(*next))
            continue; // rotated meanwhile
        older = std::move(next);
        look_into(*older);
    }
    return {std::make_move_iterator(found.begin()), std::make_move_iterator(found.end())};
}

void LogReader::read_new(const Take& take) {
    if (m_file)
        read_to_end(*m_file, take);
    auto newest = opened(0);
    if (!newest || (m_file && m_file->is_same_as(*newest)))
        return;
    // Rotated since: first the files between ours and the newest one, oldest first. Where ours is
    // not among them any more, all of them are new.
    std::deque<sys::GrowingFile> between;
    for (unsigned n = 1; n < most_files && m_file; ++n) {
        auto older = opened(n);
        if (!older || older->is_same_as(*m_file))
            break;
        between.push_front(std::move(*older));
    }
    if (m_file)
        read_to_end(*m_file, take); // what came between our reading and its renaming
    for (sys::GrowingFile& file : between)
        read_to_end(file, take);
    m_file = std::move(newest);
    read_to_end(*m_file, take);
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
        m_watch->wait(deadline.left());
    }
}

void LogReader::watch() {
    if (!m_watch)
        m_watch.emplace(m_newest.parent_path());
}

} // namespace shipit::supervise

#include "core/deploy/transcript.hpp"

#include "core/base/text.hpp"
#include "core/sys/clock.hpp"

#include <cerrno>
#include <charconv>

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

namespace shipit::deploy {

namespace {

constexpr std::string_view end_begin = " ended with exit status ";

// A lock of the open file (F_OFD_SETLK in fcntl(2)): it goes with whoever writes, however that
// ends, and who asks for it need not take it.
struct flock whole_transcript(short type) {
    struct flock lock {};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    return lock;
}

} // namespace

Transcript::Transcript(const sys::Path& file)
    : m_file(file),
      m_fd(sys::open_file(file, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, S_IRUSR | S_IWUSR)) {}

void Transcript::hold() noexcept {
    auto lock = whole_transcript(F_WRLCK);
    (void)::fcntl(m_fd.get(), F_OFD_SETLK, &lock); // another may have it: a restart in the watch
}

Transcript::~Transcript() {
    auto lock = whole_transcript(F_UNLCK);
    (void)::fcntl(m_fd.get(), F_OFD_SETLK, &lock);
}

bool Transcript::is_being_written(const sys::Path& file) {
    const sys::Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    auto lock = whole_transcript(F_WRLCK);
    return fd && ::fcntl(fd.get(), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

void Transcript::end(int exit_status, const std::string& how) noexcept {
    try {
        const auto lines = split(how, '\n');
        add(fmt::format("{}{}: {}", end_begin.substr(1), exit_status, lines.front()));
    } catch (const std::exception&) {
        // Whoever follows it sees that it was cut short.
    }
}

std::optional<int> Transcript::exit_status_in(std::string_view line) {
    const auto time = line.find(' ');
    if (time == std::string_view::npos || !line.substr(time).starts_with(end_begin))
        return std::nullopt;
    line.remove_prefix(time + end_begin.size());
    int status = 0;
    const auto [rest, error] = std::from_chars(line.data(), line.data() + line.size(), status);
    if (error != std::errc() || rest == line.data() + line.size() || *rest != ':')
        return std::nullopt;
    return status;
}

void Transcript::add(std::string_view text) noexcept {
    try {
        std::string record;
        while (!text.empty() && text.back() == '\n')
            text.remove_suffix(1);
        for (const std::string_view line : split(text, '\n'))
            record += time_text(sys::now()) + " " + std::string(line) + "\n";
        sys::write_all(m_fd.get(), record, m_file);
        m_written += record.size();
    } catch (const std::exception&) {
        m_error = m_error != 0 ? m_error : errno;
    }
}

void Transcript::flush() {
    if (m_error != 0)
        throw_errno("cannot write '" + m_file.string() + "'", m_error);
    sys::flush(m_fd.get(), m_file);
}

void CommandOutput::add(std::string_view text) noexcept {
    try {
        if (m_transcript.written() < m_full_at) {
            m_transcript.add(text);
            return;
        }
        m_last += text;
        if (m_last.size() > 2 * m_limits.last) // not for each line
            cut_to_last();
    } catch (const std::exception&) { // no memory
        m_left_out += m_last.size() + text.size();
        m_last.clear();
    }
}

// From the beginning of a line, unless that is a very long one.
void CommandOutput::cut_to_last() {
    if (m_last.size() <= m_limits.last)
        return;
    std::size_t begin = m_last.size() - m_limits.last;
    const auto end = m_last.find('\n', begin - 1);
    if (end != std::string::npos && end + 1 < m_last.size())
        begin = end + 1;
    m_last.erase(0, begin);
    m_left_out += begin;
}

CommandOutput::~CommandOutput() {
    if (m_last.empty() && m_left_out == 0)
        return;
    try {
        cut_to_last();
        if (m_left_out > 0)
            m_transcript.add(fmt::format("... {} bytes are left out here", m_left_out));
    } catch (const std::exception&) {
        // no memory: its end is kept all the same
    }
    m_transcript.add(m_last);
}

} // namespace shipit::deploy

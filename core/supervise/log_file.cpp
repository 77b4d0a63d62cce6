#include "core/supervise/log_file.hpp"

#include "core/base/error.hpp"
#include "core/sys/clock.hpp"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

namespace shipit::supervise {

namespace {

constexpr mode_t log_mode = 0640;

// How much of `bytes` could be written.
std::size_t write_some(int fd, std::string_view bytes) {
    std::size_t written = 0;
    while (written < bytes.size()) {
        const ssize_t got = ::write(fd, bytes.data() + written, bytes.size() - written);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        written += static_cast<std::size_t>(got);
    }
    return written;
}

// By somebody who wanted room, say: what was written to it then, nobody could read.
bool was_removed(const sys::Fd& file) {
    struct stat facts {};
    return ::fstat(file.get(), &facts) == 0 && facts.st_nlink == 0;
}

} // namespace

void LogFile::append(std::string_view lines) noexcept {
    try {
        append_or_throw(lines);
    } catch (...) { // the log is the place to which failures are reported
        m_fd.reset();
        m_lost += static_cast<std::uint64_t>(std::count(lines.begin(), lines.end(), '\n'));
    }
}

void LogFile::append_or_throw(std::string_view lines) {
    if (m_fd && m_size > 0 && m_size + lines.size() > m_rotation.size)
        rotate();
    if (!m_fd || was_removed(m_fd))
        open();
    tell_losses();
    write_whole(lines);
}

void LogFile::write_whole(std::string_view lines) {
    if (write_some(m_fd.get(), lines) < lines.size()) {
        // Half a record would spoil the next one.
        if (::ftruncate(m_fd.get(), static_cast<off_t>(m_size)) != 0)
            m_fd.reset();
        throw Error("the log cannot be written");
    }
    m_size += lines.size();
}

void LogFile::open() {
    m_fd = sys::open_file(m_path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, log_mode);
    struct stat facts {};
    if (::fstat(m_fd.get(), &facts) != 0)
        throw_errno("cannot look at the log");
    m_size = static_cast<std::uint64_t>(facts.st_size);
}

void LogFile::rotate() {
    m_fd.reset();
    for (unsigned n = std::max(m_rotation.files, 1U) - 1; n > 0; --n)
        (void)::rename(rotated_name(m_path, n - 1).c_str(), rotated_name(m_path, n).c_str());
    if (m_rotation.files <= 1)
        (void)::unlink(m_path.c_str());
}

void LogFile::tell_losses() {
    if (m_lost == 0)
        return;
    write_whole(fmt::format("{} - supervisor {} lost: the log could not be written\n",
                            time_text(sys::now()), counted(m_lost, "line")));
    m_lost = 0;
}

std::string log_prefix(WallTime time, ReleaseNumber release, std::string_view process) {
    return fmt::format("{} {} {} ", time_text(time), release.text(), process);
}

std::string log_line(WallTime time, ReleaseNumber release, std::string_view process,
                     std::string_view text) {
    return log_prefix(time, release, process).append(text).append("\n");
}

Path rotated_name(const Path& newest, unsigned n) {
    return n == 0 ? newest : Path(newest.string() + "." + std::to_string(n));
}

} // namespace shipit::supervise

#include "core/sys/growing_file.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace shipit::sys {

namespace {

constexpr std::size_t block = 64 << 10;
constexpr std::size_t longest_line = 1 << 20;

std::string cannot_read(const Path& path) {
    return "cannot read '" + printable(path.string()) + "'";
}

struct stat status_of(const Fd& fd, const Path& path) {
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0)
        throw_errno(cannot_read(path));
    return status;
}

} // namespace

std::optional<GrowingFile> GrowingFile::open(Path path) {
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!fd && errno == ENOENT)
        return std::nullopt;
    if (!fd)
        throw_errno("cannot open '" + printable(path.string()) + "'");
    if (!S_ISREG(status_of(fd, path).st_mode))
        throw Error(cannot_read(path) + ": it is no regular file");
    return GrowingFile(std::move(path), std::move(fd));
}

std::uint64_t GrowingFile::size() const {
    return static_cast<std::uint64_t>(status_of(m_fd, m_path).st_size);
}

std::string GrowingFile::read_at(std::uint64_t offset, std::size_t most) const {
    std::string bytes(most, '\0');
    std::size_t done = 0;
    while (done < most) {
        const ssize_t count = ::pread(m_fd.get(), bytes.data() + done, most - done,
                                      static_cast<off_t>(offset + done));
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            throw_errno(cannot_read(m_path));
        if (count == 0)
            break;
        done += static_cast<std::size_t>(count);
    }
    bytes.resize(done);
    return bytes;
}

void GrowingFile::add(std::string_view piece) {
    m_unfinished += piece.substr(0, longest_line - std::min(longest_line, m_unfinished.size()));
}

void GrowingFile::read_lines(const std::function<void(std::string_view)>& take) {
    if (size() < m_offset) {
        m_offset = 0;
        m_unfinished.clear();
    }
    for (;;) {
        const std::string bytes = read_at(m_offset, block);
        if (bytes.empty())
            return;
        m_offset += bytes.size();
        std::string_view rest = bytes;
        for (auto newline = rest.find('\n'); newline != std::string_view::npos;
             newline = rest.find('\n')) {
            add(rest.substr(0, newline));
            rest.remove_prefix(newline + 1);
            take(m_unfinished);
            m_unfinished.clear();
        }
        add(rest);
    }
}

std::string GrowingFile::last_lines(std::size_t count) {
    std::string tail;
    std::size_t newlines = 0;
    const std::uint64_t end = size();
    std::uint64_t begin = end;
    while (begin > 0 && newlines <= count) { // one more: where the first line begins
        const std::uint64_t step = std::min(begin, std::max<std::uint64_t>(block, tail.size()));
        begin -= step;
        const std::string piece = read_at(begin, step);
        newlines += static_cast<std::size_t>(std::count(piece.begin(), piece.end(), '\n'));
        tail.insert(0, piece);
    }
    const auto last = tail.rfind('\n');
    tail.resize(last == std::string::npos ? 0 : last + 1);
    m_offset = begin + tail.size();
    m_unfinished.clear();
    return begin == 0 ? tail : tail.substr(tail.find('\n') + 1);
}

bool GrowingFile::is_same_as(const GrowingFile& other) const {
    const auto one = status_of(m_fd, m_path);
    const auto two = status_of(other.m_fd, other.m_path);
    return one.st_dev == two.st_dev && one.st_ino == two.st_ino;
}

} // namespace shipit::sys

#include "core/supervise/bequest.hpp"

#include "core/base/error.hpp"
#include "core/sys/file.hpp"

#include <cerrno>

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/mman.h>
#include <unistd.h>

namespace shipit::supervise {

namespace {

constexpr std::size_t longest_memory = 256 << 20;
constexpr std::string_view hex_digits = "0123456789abcdef";

} // namespace

Json Bequest::pass(int fd) {
    if (fd < 0)
        return {};
    m_fds.push_back(fd);
    return fd;
}

void Bequest::survive_exec(bool survive) const noexcept {
    for (const int fd : m_fds)
        (void)::fcntl(fd, F_SETFD, survive ? 0 : FD_CLOEXEC);
}

sys::Fd inherited(const Json& number) {
    if (number.is_null())
        return {};
    const auto fd = static_cast<int>(number.integer(-1));
    if (fd <= STDERR_FILENO || ::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
        throw Error(fmt::format("descriptor {} was not inherited", fd));
    return sys::Fd(fd);
}

sys::Fd written_memory(const Json& memory) {
    sys::Fd file(::memfd_create("shipit-supervisor", MFD_CLOEXEC));
    if (!file)
        throw_errno("cannot make a file in memory");
    sys::write_all(file.get(), memory.dump(), "memory");
    return file;
}

Json read_memory(int fd) {
    std::string content;
    char chunk[64 << 10];
    for (;;) {
        // Not by the file's own position, which the two processes share.
        const ssize_t got = ::pread(fd, chunk, sizeof chunk, static_cast<off_t>(content.size()));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 || content.size() > longest_memory)
            throw Error("what the supervisor before left cannot be read");
        if (got == 0)
            return Json::parse(content);
        content.append(chunk, static_cast<std::size_t>(got));
    }
}

std::string hex_of(std::string_view bytes) {
    std::string hex;
    for (const char c : bytes) {
        hex += hex_digits[static_cast<unsigned char>(c) / 16U];
        hex += hex_digits[static_cast<unsigned char>(c) % 16U];
    }
    return hex;
}

std::string bytes_of_hex(std::string_view hex) {
    std::string bytes;
    for (; hex.size() >= 2; hex.remove_prefix(2))
        bytes += static_cast<char>(hex_digits.find(hex[0]) * 16U + hex_digits.find(hex[1]));
    return bytes;
}

Json time_to_json(TimePoint time) {
    return std::int64_t{time.time_since_epoch().count()};
}

TimePoint time_from_json(const Json& json) {
    return TimePoint(TimePoint::duration(json.integer()));
}

} // namespace shipit::supervise

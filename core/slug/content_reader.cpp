#include "core/slug/content_reader.hpp"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

namespace shipit::slug {

namespace {

constexpr std::size_t piece = std::size_t{1} << 18; // fits the caches of a core

} // namespace

ChangedMeanwhile::ChangedMeanwhile(const std::string& shown)
    : Error(fmt::format("'{}' changed while it was packed", shown)) {
    advise("deploy again when nothing writes to the build");
}

void ContentReader::require_unchanged(int fd, const Entry& entry, const Identity& identity) const {
    struct stat status {};
    if (::fstat(fd, &status) != 0)
        throw_errno(fmt::format("cannot read '{}'", m_chain.shown(entry.path)));
    if (!S_ISREG(status.st_mode) || identity_of(status) != identity)
        throw ChangedMeanwhile(m_chain.shown(entry.path));
}

sys::Fd ContentReader::open(const Entry& entry) {
    const int parent = m_chain.parent_of(entry.path);
    sys::Fd fd(parent < 0 ? -1
                          : ::openat(parent, FolderChain::name_of(entry.path).c_str(),
                                     O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!fd && (errno == ENOENT || errno == ELOOP || errno == ENOTDIR))
        throw ChangedMeanwhile(m_chain.shown(entry.path));
    if (!fd)
        throw Error(
            fmt::format("cannot read '{}': {}", m_chain.shown(entry.path), errno_text(errno)))
            .advise("let it be read, or name it in .slugignore to leave it out");
    return fd;
}

void ContentReader::read_at(int fd, const Entry& entry, std::uint64_t offset,
                            std::span<char> bytes) const {
    while (!bytes.empty()) {
        const auto n = ::pread(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0 || (n < 0 && (errno == ESPIPE || errno == EISDIR))) // not the file it was
            throw ChangedMeanwhile(m_chain.shown(entry.path));
        if (n < 0)
            throw_errno(fmt::format("cannot read '{}'", m_chain.shown(entry.path)));
        offset += static_cast<std::uint64_t>(n);
        bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
}

// What the file is after it was read, it was before too: no change leaves size and times as they
// were.
void ContentReader::read(const Entry& entry, const Identity& identity, std::uint64_t offset,
                         std::span<char> bytes) {
    const auto fd = open(entry);
    read_at(fd.get(), entry, offset, bytes);
    require_unchanged(fd.get(), entry, identity);
}

Hash ContentReader::hash(const Entry& entry, const Identity& identity) {
    const auto fd = open(entry);
    Hash hash;
    if (entry.size <= piece) {
        m_buffer.resize(entry.size);
        read_at(fd.get(), entry, 0, m_buffer);
        hash = hash_of(m_buffer);
    } else {
        Hasher hasher;
        for (std::uint64_t at = 0; at < entry.size; at += m_buffer.size()) {
            m_buffer.resize(std::min<std::uint64_t>(entry.size - at, piece));
            read_at(fd.get(), entry, at, m_buffer);
            hasher.add(m_buffer);
        }
        hash = hasher.result();
    }
    require_unchanged(fd.get(), entry, identity);
    return hash;
}

} // namespace shipit::slug

#include "core/slug/content_reader.hpp"

#include "core/base/error.hpp"

#include <cerrno>

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

namespace shipit::slug {

namespace {

[[noreturn]] void refuse_changed(const std::string& shown) {
    throw Error(fmt::format("'{}' changed while it was packed", shown))
        .advise("deploy again when nothing writes to the build");
}

} // namespace

void ContentReader::require_unchanged(int fd, const Entry& entry, const Identity& identity) const {
    struct stat status {};
    if (::fstat(fd, &status) != 0)
        throw_errno(fmt::format("cannot read '{}'", m_chain.shown(entry.path)));
    if (!S_ISREG(status.st_mode) || identity_of(status) != identity)
        refuse_changed(m_chain.shown(entry.path));
}

void ContentReader::read(const Entry& entry, const Identity& identity, std::uint64_t offset,
                         std::span<char> bytes) {
    const int parent = m_chain.parent_of(entry.path);
    const sys::Fd fd(parent < 0 ? -1
                                : ::openat(parent, FolderChain::name_of(entry.path).c_str(),
                                           O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!fd && (errno == ENOENT || errno == ELOOP || errno == ENOTDIR))
        refuse_changed(m_chain.shown(entry.path));
    if (!fd)
        throw_errno(fmt::format("cannot read '{}'", m_chain.shown(entry.path)));
    require_unchanged(fd.get(), entry, identity);
    for (std::size_t got = 0; got < bytes.size();) {
        const auto n = ::pread(fd.get(), bytes.data() + got, bytes.size() - got,
                               static_cast<off_t>(offset + got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            throw_errno(fmt::format("cannot read '{}'", m_chain.shown(entry.path)));
        if (n == 0)
            refuse_changed(m_chain.shown(entry.path));
        got += static_cast<std::size_t>(n);
    }
    require_unchanged(fd.get(), entry, identity);
}

} // namespace shipit::slug

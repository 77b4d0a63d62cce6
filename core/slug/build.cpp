#include "core/slug/build.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/slug/archive_reader.hpp"
#include "core/slug/folder_chain.hpp"

#include <cerrno>

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

namespace shipit::slug {

namespace {

sys::TempFolder staged(int fd, const std::string& name, const Path& parent, const Limits& limits,
                       const Progress& progress) {
    sys::TempFolder folder(parent, staging_prefix);
    progress.begin_phase("reading the archive");
    while_doing(fmt::format("reading the archive '{}'", printable(name)),
                [&] { unpack_archive(fd, folder.path(), limits, progress); });
    return folder;
}

std::string first_bytes(int fd, std::uint64_t most, const std::string& shown) {
    std::string bytes(most, '\0');
    std::size_t size = 0;
    while (size < bytes.size()) {
        const auto n = ::read(fd, bytes.data() + size, bytes.size() - size);
        if (n < 0 && errno != EINTR)
            throw_errno(fmt::format("cannot read '{}'", shown));
        if (n == 0)
            break;
        size += n > 0 ? static_cast<std::size_t>(n) : 0;
    }
    bytes.resize(size);
    return bytes;
}

} // namespace

Build::Build(std::string name, Path folder, std::optional<sys::TempFolder> staged_folder)
    : m_name(std::move(name)), m_staged(std::move(staged_folder)), m_folder(std::move(folder)),
      m_fd(::open(m_folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (!m_fd)
        throw_errno(fmt::format("cannot read the build '{}'", printable(m_name)));
}

Build Build::made(std::string name, sys::TempFolder folder) {
    auto path = folder.path();
    return {std::move(name), std::move(path), std::move(folder)};
}

Build Build::open(const Path& what, const Path& staging_parent, const Limits& limits,
                  const Progress& progress) {
    if (what == "-") {
        return made("standard input",
                    staged(STDIN_FILENO, "standard input", staging_parent, limits, progress));
    }
    struct stat status {};
    if (::stat(what.c_str(), &status) != 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            throw Error(fmt::format("there is no build '{}'", printable(what.string())))
                .advise("name a folder, an archive, or '-' for an archive on standard input");
        throw_errno(fmt::format("cannot read the build '{}'", printable(what.string())));
    }
    if (S_ISDIR(status.st_mode))
        return {what.string(), what, std::nullopt};
    if (!S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode))
        throw Error(fmt::format("the build '{}' is neither a folder nor an archive",
                                printable(what.string())))
            .advise("name a folder, an archive, or '-' for an archive on standard input");
    const auto fd = sys::open_file(what, O_RDONLY);
    return made(what.string(), staged(fd.get(), what.string(), staging_parent, limits, progress));
}

std::optional<std::string> Build::read_file(const std::string& file, std::uint64_t limit) const {
    const auto shown = [&] { return printable((Path(m_name) / file).string()); };
    const sys::Fd fd(
        ::openat(m_fd.get(), file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!fd && errno == ENOENT)
        return std::nullopt;
    if (!fd && errno == ELOOP)
        throw Error(fmt::format("'{}' is a symlink, and must be a file", shown()), Outcome::usage);
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0)
        throw_errno(fmt::format("cannot read '{}'", shown()));
    if (!S_ISREG(status.st_mode))
        throw Error(fmt::format("'{}' is not a file", shown()), Outcome::usage);
    auto content = first_bytes(fd.get(), limit + 1, shown());
    if (content.size() > limit)
        throw Error(fmt::format("'{}' is larger than {}", shown(), size_text(limit)),
                    Outcome::usage);
    return content;
}

bool Build::has_file(const std::string& path) const {
    FolderChain chain(m_fd.get(), m_folder);
    const int parent = chain.parent_of(path);
    struct stat status {};
    return parent >= 0 &&
           ::fstatat(parent, FolderChain::name_of(path).c_str(), &status, AT_SYMLINK_NOFOLLOW) ==
               0 &&
           S_ISREG(status.st_mode);
}

} // namespace shipit::slug

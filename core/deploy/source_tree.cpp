#include "core/deploy/source_tree.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>

namespace shipit::deploy {

SourceTree::SourceTree(const sys::Path& folder)
    : m_shown(folder), m_root(sys::open_file(folder, O_RDONLY | O_DIRECTORY)),
      m_folders(m_root.get(), folder) {}

unsigned SourceTree::type_of(std::string_view path) {
    struct stat status {};
    const int parent = m_folders.parent_of(path);
    if (parent < 0 || ::fstatat(parent, slug::FolderChain::name_of(path).c_str(), &status,
                                AT_SYMLINK_NOFOLLOW) != 0)
        return 0;
    return status.st_mode & S_IFMT;
}

bool SourceTree::has_file(std::string_view path) {
    return type_of(path) == S_IFREG;
}

bool SourceTree::has_folder(std::string_view path) {
    return type_of(path) == S_IFDIR;
}

bool SourceTree::has(std::string_view path) {
    return type_of(path) != 0;
}

std::optional<std::string> SourceTree::pass_over(std::string_view path, const std::string& why) {
    m_passed_over.push_back(fmt::format("{}: {}", printable(path), why));
    return std::nullopt;
}

std::optional<std::string> SourceTree::text(std::string_view path) {
    const unsigned type = type_of(path);
    if (type == S_IFLNK)
        return pass_over(path, "a symlink");
    if (type != S_IFREG)
        return std::nullopt;
    // It may have become something else meanwhile.
    const sys::Fd file(::openat(m_folders.parent_of(path), slug::FolderChain::name_of(path).c_str(),
                                O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    struct stat status {};
    if (!file || ::fstat(file.get(), &status) != 0)
        return pass_over(path, std::generic_category().message(errno));
    if (!S_ISREG(status.st_mode))
        return pass_over(path, "not a regular file");
    if (static_cast<std::uint64_t>(status.st_size) > largest_file)
        return pass_over(path, fmt::format("larger than {}", size_text(largest_file)));
    std::string content = sys::read_all(file.get(), m_shown / path, largest_file);
    if (!is_utf8(content) || content.find('\0') != std::string::npos)
        return pass_over(path, "not UTF-8 text");
    return content;
}

std::vector<std::string> SourceTree::names(std::string_view path) {
    // By a name that no symlink can be behind: that of the open folder.
    const int folder = m_folders.folder(path);
    if (folder < 0)
        return {};
    return sys::names_in(fmt::format("/proc/self/fd/{}", folder));
}

} // namespace shipit::deploy

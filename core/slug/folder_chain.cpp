#include "core/slug/folder_chain.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>

namespace shipit::slug {

int FolderChain::parent_of(std::string_view path) {
    const auto slash = path.rfind('/');
    return folder(slash == std::string_view::npos ? std::string_view() : path.substr(0, slash));
}

int FolderChain::folder(std::string_view path) {
    std::size_t depth = 0;
    while (!path.empty()) {
        const auto name = path.substr(0, path.find('/'));
        path.remove_prefix(std::min(path.size(), name.size() + 1));
        if (depth == m_links.size() || m_links[depth].name != name) {
            m_links.resize(depth);
            if (!open_next(std::string(name)))
                return -1;
        }
        depth++;
    }
    m_links.resize(depth);
    return m_links.empty() ? m_root : m_links.back().fd.get();
}

bool FolderChain::open_next(std::string name) {
    const int parent = m_links.empty() ? m_root : m_links.back().fd.get();
    constexpr int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    sys::Fd fd(::openat(parent, name.c_str(), flags));
    if (!fd && errno == ENOENT && m_missing == Missing::is_made) {
        if (::mkdirat(parent, name.c_str(), S_IRWXU) != 0 && errno != EEXIST)
            return false; // EEXIST: another thread was quicker
        fd = sys::Fd(::openat(parent, name.c_str(), flags));
    }
    if (!fd)
        return false;
    m_links.push_back({std::move(name), std::move(fd)});
    return true;
}

std::string FolderChain::name_of(std::string_view path) {
    return std::string(path.substr(path.rfind('/') + 1)); // npos + 1 is 0
}

std::string FolderChain::shown(std::string_view path) const {
    return printable((m_shown / path).string());
}

} // namespace shipit::slug

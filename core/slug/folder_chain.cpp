#include "core/slug/folder_chain.hpp"

#include "core/base/text.hpp"

#include <fcntl.h>

namespace shipit::slug {

int FolderChain::parent_of(std::string_view path) {
    std::size_t depth = 0;
    std::size_t begin = 0;
    for (auto slash = path.find('/'); slash != std::string_view::npos;
         slash = path.find('/', begin)) {
        const auto name = path.substr(begin, slash - begin);
        begin = slash + 1;
        if (depth < m_links.size() && m_links[depth].name == name) {
            depth++;
            continue;
        }
        m_links.resize(depth);
        const int parent = depth == 0 ? m_root : m_links.back().fd.get();
        Link link{std::string(name), {}};
        link.fd = sys::Fd(
            ::openat(parent, link.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!link.fd)
            return -1;
        m_links.push_back(std::move(link));
        depth++;
    }
    m_links.resize(depth);
    return m_links.empty() ? m_root : m_links.back().fd.get();
}

std::string FolderChain::name_of(std::string_view path) {
    return std::string(path.substr(path.rfind('/') + 1)); // npos + 1 is 0
}

std::string FolderChain::shown(std::string_view path) const {
    return printable((m_shown / path).string());
}

} // namespace shipit::slug

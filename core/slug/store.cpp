#include "core/slug/store.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/slug/digest.hpp"
#include "core/slug/slug_check.hpp"
#include "core/slug/slug_file.hpp"
#include "core/slug/slug_writer.hpp"

#include <cerrno>

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

namespace shipit::slug {

namespace {

constexpr std::string_view suffix = ".tar.zst";

} // namespace

Path Store::path_of(const SlugId& id) const {
    return m_releases / (id.text() + std::string(suffix));
}

bool Store::has(const SlugId& id) const {
    return sys::is_there(path_of(id));
}

std::vector<SlugId> Store::ids() const {
    std::vector<SlugId> ids;
    for (const auto& name : sys::names_in(m_releases)) {
        const std::string_view view = name;
        if (!view.ends_with(suffix))
            continue;
        if (auto id = SlugId::parse(view.substr(0, view.size() - suffix.size())))
            ids.push_back(std::move(*id));
    }
    return ids;
}

std::uint64_t Store::size_of(const SlugId& id) const {
    const auto fd = sys::open_file(path_of(id), O_RDONLY | O_NOFOLLOW);
    const auto end = ::lseek(fd.get(), 0, SEEK_END);
    if (end < 0)
        throw_errno(fmt::format("cannot read '{}'", path_of(id).string()));
    return static_cast<std::uint64_t>(end);
}

std::string Store::sha256_of(const SlugId& id, const Progress& progress) const {
    const auto path = path_of(id);
    const auto size = size_of(id);
    const auto fd = sys::open_file(path, O_RDONLY | O_NOFOLLOW);
    Sha256 sha256;
    std::string buffer(std::size_t{1} << 18, '\0');
    for (std::uint64_t done = 0;;) {
        const auto n = ::read(fd.get(), buffer.data(), buffer.size());
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            throw_errno(fmt::format("cannot read '{}'", path.string()));
        if (n == 0)
            return sha256.finish();
        sha256.add(std::string_view(buffer).substr(0, static_cast<std::size_t>(n)));
        done += static_cast<std::uint64_t>(n);
        progress.advance_to(done, size);
    }
}

FileList Store::read_list(const SlugId& id) const {
    const SlugFile slug(path_of(id));
    require_id(slug, id);
    return slug.list();
}

void Store::check(const SlugId& id, const std::string& sha256, const Progress& progress) const {
    while_doing(fmt::format("checking slug {}", id.brief()), [&] {
        if (!sha256.empty())
            require_sha256(*this, id, sha256, progress);
        const SlugFile slug(path_of(id));
        require_id(slug, id);
        check_content(slug, progress);
    });
}

bool Store::remove(const SlugId& id) const {
    return sys::remove_file(path_of(id));
}

void Store::tidy() const {
    for (const auto& name : sys::names_in(m_releases))
        if (std::string_view(name).starts_with(temporary_prefix))
            sys::remove_tree(m_releases / name);
}

FileList read_list(const Path& slug) {
    return SlugFile(slug).list();
}

} // namespace shipit::slug

#include "core/slug/kept.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/slug/digest.hpp"
#include "core/sys/clock.hpp"

#include <algorithm>
#include <cerrno>
#include <optional>

#include <fcntl.h>
#include <fmt/core.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

namespace shipit::slug {

namespace {

constexpr std::string_view kept_infix = ".changed-";

// "20261128T083000Z"
std::string time_of_name() {
    std::string text = time_text(sys::now());
    text.resize(text.find('.'));
    std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
    return text + 'Z';
}

struct KeptContent {
    std::uint64_t size;
    Hash hash;

    bool operator==(const KeptContent&) const = default;
};

// Nothing for what is no file, or cannot be read.
std::optional<KeptContent> content_in(FolderChain& chain, const std::string& path) {
    const int parent = chain.parent_of(path);
    const sys::Fd file(parent < 0 ? -1
                                  : ::openat(parent, FolderChain::name_of(path).c_str(),
                                             O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat status {};
    if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode))
        return std::nullopt;
    Hasher hasher;
    std::uint64_t size = 0;
    try {
        sys::read_pieces(file.get(), path, [&](std::string_view piece) {
            hasher.add(piece);
            size += piece.size();
        });
    } catch (const Error&) {
        return std::nullopt;
    }
    return KeptContent{size, hasher.result()};
}

} // namespace

Kept::Kept(const Path& trees, const SlugId& id, const FileList& list)
    : m_trees(trees), m_id(id), m_list(list) {}

void Kept::keep(int parent, const std::string& path) {
    if (!m_chain)
        make_folder();
    const auto name = FolderChain::name_of(path);
    const int to = m_chain->parent_of(path);
    // The log first: a database that a kill leaves in the tree is not without it for long.
    keep_log(parent, path);
    if (to < 0 || (::linkat(parent, name.c_str(), to, name.c_str(), 0) != 0 &&
                   ::renameat(parent, name.c_str(), to, name.c_str()) != 0))
        throw_errno(
            fmt::format("cannot keep '{}', which was changed on this server", printable(path)));
    m_paths.push_back(path);
}

// A database without its log is neither what it was nor what it became; and the log of one must not
// lie beside the slug's.
void Kept::keep_log(int parent, const std::string& path) {
    const int to = m_chain->parent_of(path);
    for (const char* suffix : {"-wal", "-journal", "-shm"}) {
        const auto name = FolderChain::name_of(path) + suffix;
        if (m_list.find(path + suffix) == nullptr && to >= 0 &&
            ::renameat(parent, name.c_str(), to, name.c_str()) == 0)
            m_with_log.insert(path);
    }
}

void Kept::make_folder() {
    const auto base = (m_trees / (m_id.text() + std::string(kept_infix) + time_of_name())).string();
    Path folder = base;
    for (unsigned number = 2; ::mkdir(folder.c_str(), S_IRWXU) != 0; number++) {
        if (errno != EEXIST)
            throw_errno(fmt::format("cannot create '{}'", folder.string()));
        folder = fmt::format("{}-{}", base, number);
    }
    m_folder = folder;
    m_root = sys::open_file(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    m_chain = std::make_unique<FolderChain>(m_root.get(), folder, Missing::is_made);
}

void Kept::drop_copies() {
    for (const std::string& path : m_paths)
        if (m_with_log.count(path) == 0 && is_copy(path))
            drop(path);
    if (!m_folder.empty() && ::rmdir(m_folder.c_str()) == 0)
        m_folder.clear();
}

bool Kept::is_copy(const std::string& path) {
    const auto content = content_in(*m_chain, path);
    if (!content)
        return false;
    const auto* listed = m_list.find(path);
    if (listed != nullptr && listed->type == Type::hard_link)
        listed = m_list.find(listed->target);
    if (listed != nullptr && listed->type == Type::file &&
        *content == KeptContent{listed->size, listed->hash})
        return true;
    for (const Path& folder : kept_in(m_trees, m_id)) {
        if (folder == m_folder)
            continue;
        const auto root = sys::open_file(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        FolderChain earlier(root.get(), folder);
        if (content_in(earlier, path) == content)
            return true;
    }
    return false;
}

void Kept::drop(const std::string& path) {
    (void)::unlinkat(m_chain->parent_of(path), FolderChain::name_of(path).c_str(), 0);
    for (auto end = path.rfind('/'); end != std::string::npos && end > 0;
         end = path.rfind('/', end - 1)) {
        const auto folder = path.substr(0, end);
        if (::rmdir((m_folder / folder).c_str()) != 0)
            break; // something else is in it
    }
}

Path keep(const Path& trees, const SlugId& id, const FileList& list, const std::string& path) {
    const Path tree = trees / id.text();
    const auto root = sys::open_file(tree, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    FolderChain chain(root.get(), tree);
    const int parent = chain.parent_of(path);
    if (parent < 0)
        throw_errno(fmt::format("cannot open the folder of '{}'", chain.shown(path)));
    Kept kept(trees, id, list);
    kept.keep(parent, path);
    return kept.folder();
}

std::vector<Path> kept_in(const Path& trees) {
    std::vector<Path> folders;
    for (const auto& name : sys::names_in_if_any(trees)) {
        const auto infix = name.find(kept_infix);
        if (infix != std::string::npos && SlugId::parse(name.substr(0, infix)))
            folders.push_back(trees / name);
    }
    return folders;
}

std::vector<Path> kept_in(const Path& trees, const SlugId& id) {
    auto folders = kept_in(trees);
    std::erase_if(folders, [&](const Path& folder) {
        return !folder.filename().string().starts_with(id.text());
    });
    return folders;
}

} // namespace shipit::slug

#include "core/slug/staging_writer.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <array>
#include <cerrno>

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

namespace shipit::slug {

namespace {

constexpr mode_t private_folder = 0700;
constexpr unsigned usual_folder = 0755;
constexpr std::size_t longest_shown = 120;

std::array<timespec, 2> times_of(const Attributes& attributes) {
    const timespec mtime{attributes.mtime, attributes.mtime_ns};
    return {mtime, mtime};
}

std::string entry_text(std::string_view path, const std::string& why) {
    return fmt::format("the archive's entry '{}' {}", shortened(printable(path), longest_shown),
                       why);
}

std::string link_target_at(int folder, const std::string& name) {
    std::string target(4096, '\0'); // PATH_MAX: no symlink is longer
    const auto size = ::readlinkat(folder, name.c_str(), target.data(), target.size());
    if (size < 0)
        throw_errno(fmt::format("cannot read '{}'", printable(name)));
    target.resize(static_cast<std::size_t>(size));
    return target;
}

} // namespace

StagingWriter::StagingWriter(const Path& folder, const Limits& limits)
    : m_folder(folder), m_limits(limits), m_is_root(::geteuid() == 0),
      m_root(sys::open_file(folder, O_RDONLY | O_DIRECTORY)), m_chain(m_root.get(), {}) {}

void refuse_entry(std::string_view path, const std::string& why, const std::string& next) {
    throw Error(entry_text(path, why))
        .advise(next.empty() ? "mend the archive, or deploy the folder that it was made of" : next);
}

std::string StagingWriter::clean(std::string_view path) const {
    if (path.starts_with('/'))
        refuse_entry(path, "has an absolute path");
    std::string cleaned;
    std::uint64_t depth = 0;
    for (const auto name : split(path, '/')) {
        if (name.empty() || name == ".")
            continue;
        if (name == "..")
            refuse_entry(path, "leads out of the build ('..')");
        if (name.size() > m_limits.name_bytes)
            refuse_limit(path, Limit::name, name.size(),
                         fmt::format("has a name of {} bytes; slug.max_name is {}", name.size(),
                                     m_limits.name_bytes));
        ++depth;
        cleaned += cleaned.empty() ? "" : "/";
        cleaned += name;
    }
    if (depth > m_limits.depth)
        refuse_limit(
            path, Limit::depth, depth,
            fmt::format("is {} folders deep; slug.max_depth is {}", depth, m_limits.depth));
    if (cleaned.size() > m_limits.path_bytes)
        refuse_limit(path, Limit::path, cleaned.size(),
                     fmt::format("has a path of {} bytes; slug.max_path is {}", cleaned.size(),
                                 m_limits.path_bytes));
    return cleaned;
}

void StagingWriter::refuse_limit(std::string_view path, Limit which, std::uint64_t enough,
                                 const std::string& why) const {
    refuse_beyond(m_limits, which, enough, entry_text(path, why));
}

// What its owner may not read cannot be packed but by root; with another mode it would be another
// build.
void StagingWriter::require_usable(const std::string& path, const Attributes& attributes,
                                   unsigned needed) const {
    if (!m_is_root && (attributes.mode & needed) != needed)
        refuse_entry(path,
                     fmt::format("has mode {:04o}: its owner could not read it", attributes.mode),
                     "give it another mode before it is archived: chmod -R u+rX BUILD");
}

// What is made is held in memory by name until the build is packed: a million paths of 4000 bytes
// each, or of a hundred folders that no entry names, would compress to almost nothing.
void StagingWriter::count(std::string_view path, std::string_view target) {
    if (++m_count > m_limits.entries)
        refuse_entries(m_limits);
    m_name_bytes += path.size() + target.size();
    if (m_name_bytes / name_bytes_per_entry > m_limits.entries)
        refuse_beyond(m_limits, Limit::entries, m_limits.entries * 2,
                      fmt::format("its names take more than {} bytes for each entry of "
                                  "slug.max_entries ({})",
                                  name_bytes_per_entry, m_limits.entries));
}

void StagingWriter::make_parents(const std::string& path) {
    const auto slash = path.rfind('/');
    const std::string parent = slash == std::string::npos ? std::string() : path.substr(0, slash);
    if (parent.empty() || parent == m_last_parent)
        return;
    for (auto end = parent.find('/');; end = parent.find('/', end + 1)) {
        auto folder = parent.substr(0, end);
        if (m_folders.count(folder) == 0) {
            make_parent(path, folder);
            m_folders[folder] = {{usual_folder, 0, 0}, true, false};
        }
        if (end == std::string::npos)
            break;
    }
    m_last_parent = parent;
}

void StagingWriter::make_parent(const std::string& path, const std::string& folder) {
    count(folder, {});
    const int fd = m_chain.parent_of(folder);
    if (fd >= 0 && ::mkdirat(fd, FolderChain::name_of(folder).c_str(), private_folder) == 0)
        return;
    if (errno == EEXIST)
        refuse_entry(path, fmt::format("is in '{}', which is no folder",
                                       shortened(printable(folder), longest_shown)));
    throw_errno(fmt::format("cannot create '{}'", printable((m_folder / folder).string())));
}

// The folder that holds `path`: made by us, and no way leads out of it, since symlinks are not
// followed.
int StagingWriter::parent_of(const std::string& path) {
    make_parents(path);
    const int fd = m_chain.parent_of(path);
    if (fd < 0)
        throw_errno(
            fmt::format("cannot open the folder of '{}'", printable((m_folder / path).string())));
    return fd;
}

void StagingWriter::make_folder(const std::string& path, const Attributes& attributes) {
    require_usable(path, attributes, S_IRUSR | S_IXUSR);
    const int parent = parent_of(path);
    auto& folder = m_folders[path];
    if (folder.is_explicit)
        refuse_entry(path, "is there twice");
    const bool is_new = !folder.is_made; // parents made on the way are there
    if (is_new)
        count(path, {});
    folder = {attributes, true, true};
    if (is_new && ::mkdirat(parent, FolderChain::name_of(path).c_str(), private_folder) != 0) {
        if (errno == EEXIST)
            refuse_entry(path, "is there twice");
        throw_errno(fmt::format("cannot create '{}'", printable((m_folder / path).string())));
    }
}

void StagingWriter::make_symlink(const std::string& path, std::string_view target,
                                 const Attributes& attributes) {
    if (target.empty() || target.size() > 4095)
        refuse_entry(path, "is a symlink with an empty or too long target");
    if (!m_limits.outside_links && !stays_inside(path, target))
        refuse_entry(
            path,
            fmt::format("is a symlink that leads out of the build, to '{}'",
                        shortened(printable(target), longest_shown)),
            fmt::format("if that is meant: {} slug.outside_links=true", m_limits.set_command));
    count(path, target);
    const int parent = parent_of(path);
    const auto name = FolderChain::name_of(path);
    if (::symlinkat(std::string(target).c_str(), parent, name.c_str()) != 0) {
        if (errno == EEXIST)
            refuse_entry(path, "is there twice");
        throw_errno(fmt::format("cannot create '{}'", printable((m_folder / path).string())));
    }
    if (::utimensat(parent, name.c_str(), times_of(attributes).data(), AT_SYMLINK_NOFOLLOW) != 0)
        throw_errno(
            fmt::format("cannot set the time of '{}'", printable((m_folder / path).string())));
}

void StagingWriter::make_hard_link(const std::string& path, const std::string& target) {
    make_parents(path);
    // Two chains at once: the link's folder and the file's.
    FolderChain target_chain(m_root.get(), {});
    const int from = target_chain.parent_of(target);
    const auto target_name = FolderChain::name_of(target);
    struct stat status {};
    const bool is_there =
        from >= 0 && ::fstatat(from, target_name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
    if (is_there && S_ISLNK(status.st_mode)) // a slug has two symlinks then
        return make_symlink(path, link_target_at(from, target_name),
                            {0777, status.st_mtim.tv_sec, status.st_mtim.tv_nsec});
    if (!is_there || !S_ISREG(status.st_mode))
        refuse_entry(
            path, fmt::format("is a hard link to '{}', which is no file before it in the archive",
                              printable(target)));
    count(path, target);
    const int to = parent_of(path);
    if (::linkat(from, target_name.c_str(), to, FolderChain::name_of(path).c_str(), 0) != 0) {
        if (errno == EEXIST)
            refuse_entry(path, "is there twice");
        throw_errno(fmt::format("cannot link '{}'", printable((m_folder / path).string())));
    }
}

void StagingWriter::begin_file(const std::string& path) {
    count(path, {});
    const int parent = parent_of(path);
    m_file_path = path;
    m_file.reset(::openat(parent, FolderChain::name_of(path).c_str(),
                          O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (m_file)
        return;
    if (errno == EEXIST)
        refuse_entry(path, "is there twice");
    throw_errno(fmt::format("cannot create '{}'", printable((m_folder / path).string())));
}

void StagingWriter::write_block(std::uint64_t offset, std::string_view block) {
    while (!block.empty()) {
        const auto n =
            ::pwrite(m_file.get(), block.data(), block.size(), static_cast<off_t>(offset));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            throw_errno(
                fmt::format("cannot write '{}'", printable((m_folder / m_file_path).string())));
        offset += static_cast<std::uint64_t>(n);
        block.remove_prefix(static_cast<std::size_t>(n));
    }
}

void StagingWriter::finish_file(std::uint64_t size, const Attributes& attributes) {
    require_usable(m_file_path, attributes, S_IRUSR);
    const int fd = m_file.get();
    // A sparse file may end in a hole.
    const bool failed = ::ftruncate(fd, static_cast<off_t>(size)) != 0 ||
                        ::fchmod(fd, attributes.mode & 0777U) != 0 ||
                        ::futimens(fd, times_of(attributes).data()) != 0;
    if (failed)
        throw_errno(fmt::format("cannot write '{}'", printable((m_folder / m_file_path).string())));
    m_file.reset();
}

void StagingWriter::finish() {
    // Children come after their parents in a map: backwards, no time is changed again.
    for (auto folder = m_folders.rbegin(); folder != m_folders.rend(); ++folder) {
        const auto& [path, made] = *folder;
        const int parent = m_chain.parent_of(path);
        const auto name = FolderChain::name_of(path);
        const bool failed =
            parent < 0 || ::fchmodat(parent, name.c_str(), made.attributes.mode & 0777U, 0) != 0 ||
            (made.is_explicit &&
             ::utimensat(parent, name.c_str(), times_of(made.attributes).data(), 0) != 0);
        if (failed)
            throw_errno(
                fmt::format("cannot set the mode of '{}'", printable((m_folder / path).string())));
    }
}

bool stays_inside(std::string_view path, std::string_view target) {
    if (target.starts_with('/'))
        return false;
    std::size_t above = split(path, '/').size() - 1; // folders of the build
    bool only_up = true;
    for (const auto name : split(target, '/')) {
        if (name != "..")
            only_up = only_up && (name.empty() || name == ".");
        else if (!only_up || above-- == 0) // after a name it is out of whatever a link leads to
            return false;
    }
    return true;
}

} // namespace shipit::slug

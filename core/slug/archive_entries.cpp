#include "core/slug/archive_entries.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/slug/archive_source.hpp"
#include "core/slug/tar_header.hpp"

#include <algorithm>
#include <utility>

#include <archive.h>
#include <archive_entry.h>
#include <fmt/core.h>

namespace shipit::slug {

namespace {

// The mode that stat(2) gave for the entry. libarchive puts the owning group's rights out of an ACL
// in the place of the mask's, which are what stat(2) shows.
unsigned mode_of(archive_entry* entry) {
    auto mode = static_cast<unsigned>(::archive_entry_perm(entry)) & 0777U;
    constexpr int access = ARCHIVE_ENTRY_ACL_TYPE_ACCESS;
    (void)::archive_entry_acl_reset(entry, access);
    int type = 0;
    int rights = 0;
    int tag = 0;
    int id = 0;
    const char* name = nullptr;
    while (::archive_entry_acl_next(entry, access, &type, &rights, &tag, &id, &name) == ARCHIVE_OK)
        if (tag == ARCHIVE_ENTRY_ACL_MASK)
            mode = (mode & ~070U) | (static_cast<unsigned>(rights) & 07U) << 3U;
    return mode;
}

Attributes attributes_of(archive_entry* entry) {
    Attributes attributes;
    attributes.mode = mode_of(entry);
    attributes.mtime = clamped_mtime(::archive_entry_mtime(entry));
    const auto nanoseconds = static_cast<std::int64_t>(::archive_entry_mtime_nsec(entry));
    attributes.mtime_ns = nanoseconds >= 0 && nanoseconds < 1'000'000'000 ? nanoseconds : 0;
    return attributes;
}

std::uint64_t claimed_size(archive_entry* entry, std::string_view path) {
    const auto size = ::archive_entry_size_is_set(entry) != 0 ? ::archive_entry_size(entry) : 0;
    if (size < 0)
        refuse_entry(path, "has a negative size");
    return static_cast<std::uint64_t>(size);
}

} // namespace

ArchiveEntries::ArchiveEntries(archive* handle, const Path& folder, const Limits& limits,
                               std::function<std::uint64_t()> bytes_read)
    : m_handle(handle), m_limits(limits), m_bytes_read(std::move(bytes_read)),
      m_writer(folder, limits) {}

bool ArchiveEntries::next() {
    const int result = ::archive_read_next_header(m_handle, &m_entry);
    if (result == ARCHIVE_EOF)
        return false;
    // Even a warning may mean that an entry was passed over or its name changed.
    if (result != ARCHIVE_OK)
        refuse_header(result);
    if (++m_entries > m_limits.entries)
        refuse_entries(m_limits);
    return true;
}

void ArchiveEntries::finish() {
    if (m_entries == 0)
        refuse_empty();
    m_writer.finish();
}

void ArchiveEntries::refuse_header(int result) const {
    const char* why = ::archive_error_string(m_handle);
    const char* path =
        result == ARCHIVE_WARN && m_entry != nullptr ? ::archive_entry_pathname(m_entry) : nullptr;
    if (path == nullptr)
        refuse_archive(m_handle);
    throw Error(fmt::format("the archive's entry '{}' cannot be read: {}", printable(path),
                            why != nullptr ? printable(why) : "its header is damaged"))
        .advise("make the archive with 'tar --format=gnu'");
}

void ArchiveEntries::take() {
    const char* raw_path = ::archive_entry_pathname(m_entry);
    if (raw_path == nullptr)
        throw Error(fmt::format("its entry {} has no readable name", m_entries));
    const auto path = m_writer.clean(raw_path);
    const auto type = ::archive_entry_filetype(m_entry);
    const bool is_link = type == AE_IFLNK || ::archive_entry_hardlink(m_entry) != nullptr;
    if (path.empty() && (type != AE_IFDIR || is_link))
        refuse_entry(raw_path, "names the build itself and is no folder");
    if ((is_link || type == AE_IFDIR) && claimed_size(m_entry, path) > 0)
        refuse_entry(raw_path, "has content and is no file");
    if (is_link)
        return take_link(path);
    if (path.empty())
        return; // the build's own folder: its mode is not ours to change
    if (type == AE_IFDIR)
        return m_writer.make_folder(path, attributes_of(m_entry));
    if (type != AE_IFREG)
        refuse_entry(raw_path, "is no file, folder or link");
    take_file(path);
}

void ArchiveEntries::take_link(const std::string& path) {
    const char* hard_link = ::archive_entry_hardlink(m_entry);
    const char* target = hard_link != nullptr ? hard_link : ::archive_entry_symlink(m_entry);
    if (target == nullptr)
        refuse_entry(path, "is a link without a readable target");
    if (hard_link != nullptr)
        return m_writer.make_hard_link(path, m_writer.clean(target));
    m_writer.make_symlink(path, target, attributes_of(m_entry));
}

void ArchiveEntries::take_file(const std::string& path) {
    const auto claimed = claimed_size(m_entry, path);
    require_room(claimed);
    m_writer.begin_file(path);
    std::uint64_t size = 0;
    for (;;) {
        const void* bytes = nullptr;
        std::size_t count = 0;
        la_int64_t offset = 0;
        const int result = ::archive_read_data_block(m_handle, &bytes, &count, &offset);
        if (result == ARCHIVE_EOF)
            break;
        if (result != ARCHIVE_OK || offset < 0)
            refuse_archive(m_handle);
        const auto end = static_cast<std::uint64_t>(offset) + count;
        require_room(end);
        m_writer.write_block(static_cast<std::uint64_t>(offset),
                             {static_cast<const char*>(bytes), count});
        size = std::max(size, end);
        m_written += count;
        require_honest_expansion(m_written, m_bytes_read(), m_limits);
    }
    size = std::max(size, claimed); // a sparse file may end in a hole
    m_bytes += size;
    // Holes cost an archive nothing, but whoever packs them reads them.
    require_honest_expansion(m_bytes, m_bytes_read(), m_limits);
    m_writer.finish_file(size, attributes_of(m_entry));
}

void ArchiveEntries::require_room(std::uint64_t more) const {
    if (more > m_limits.bytes || m_bytes > m_limits.bytes - more)
        refuse_beyond(
            m_limits, Limit::bytes, std::max(more, m_limits.bytes) + m_bytes,
            fmt::format("it unpacks to more than slug.max_bytes ({})", size_text(m_limits.bytes)));
}

} // namespace shipit::slug

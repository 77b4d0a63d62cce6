// Takes the entries of an open archive one by one and has them written.
#pragma once

#include "core/slug/limits.hpp"
#include "core/slug/staging_writer.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

struct archive;
struct archive_entry;

namespace shipit::slug {

class ArchiveEntries {
  public:
    // `bytes_read`: how much of the archive has been read so far. All outlive this.
    ArchiveEntries(archive* handle, const Path& folder, const Limits& limits,
                   std::function<std::uint64_t()> bytes_read);

    // Reads the header of the next entry; false at the end of the archive. Throws Error.
    [[nodiscard]] bool next();
    // Writes it. Throws Error for an entry that may not be.
    void take();
    // After the last one. Throws Error if there was none.
    void finish();

  private:
    [[noreturn]] void refuse_header(int result) const;
    void take_link(const std::string& path);
    void take_file(const std::string& path);
    void require_room(std::uint64_t more) const;

    archive* m_handle;
    const Limits& m_limits;
    std::function<std::uint64_t()> m_bytes_read;
    StagingWriter m_writer;
    archive_entry* m_entry = nullptr; // the archive's
    std::uint64_t m_entries = 0;
    std::uint64_t m_bytes = 0;   // in files, holes included
    std::uint64_t m_written = 0; // without holes
};

} // namespace shipit::slug

#include "core/slug/zip_directory.hpp"

#include "core/base/error.hpp"
#include "core/slug/archive_source.hpp"
#include "core/slug/seek_table.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string>

#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

namespace shipit::slug {

namespace {

// Of PKWARE's APPNOTE: sizes of the fixed parts, and where fields are in them.
constexpr std::uint64_t end_size = 22;
constexpr std::uint64_t locator_size = 20;
constexpr std::uint64_t end64_size = 56;
constexpr std::uint64_t entry_size = 46;
constexpr std::uint64_t longest_comment = 65535;

class ZipEnd {
  public:
    ZipEnd(int fd, const Limits& limits) : m_fd(fd), m_limits(limits) {
        struct stat status {};
        if (::fstat(fd, &status) != 0)
            throw_errno("cannot read it");
        m_size = static_cast<std::uint64_t>(status.st_size);
    }

    void check() {
        find_end();
        read_zip64();
        if (m_begin > m_directory_end || m_length != m_directory_end - m_begin)
            throw Error("it is no whole zip: its directory is not where it says");
        count_entries();
        if (m_count == 0)
            refuse_empty();
    }

  private:
    [[nodiscard]] std::string bytes_at(std::uint64_t at, std::uint64_t size) const {
        std::string bytes(size, '\0');
        std::uint64_t got = 0;
        while (got < size) {
            const auto n =
                ::pread(m_fd, bytes.data() + got, size - got, static_cast<off_t>(at + got));
            if (n < 0 && errno == EINTR)
                continue;
            if (n < 0)
                throw_errno("cannot read it");
            if (n == 0)
                break;
            got += static_cast<std::uint64_t>(n);
        }
        bytes.resize(got);
        return bytes;
    }

    // The last record of all.
    void find_end() {
        const auto tail_size = std::min(m_size, end_size + longest_comment);
        const auto tail = bytes_at(m_size - tail_size, tail_size);
        const auto at = tail.rfind("PK\x05\x06");
        if (at == std::string::npos || tail.size() - at < end_size)
            refuse_cut_off("the end of the zip is missing");
        const auto record = std::string_view(tail).substr(at);
        const auto comment = number_at(record, 20, 2);
        if (record.size() < end_size + comment)
            refuse_cut_off("the end of the zip is missing");
        if (record.size() > end_size + comment)
            refuse_more();
        if (number_at(record, 4, 2) != 0 || number_at(record, 6, 2) != 0)
            refuse_parts();
        m_count = number_at(record, 10, 2);
        m_length = number_at(record, 12, 4);
        m_begin = number_at(record, 16, 4);
        m_directory_end = m_size - record.size();
    }

    // The numbers that the last record has no room for stand in one before it.
    void read_zip64() {
        const auto end = m_directory_end;
        const auto locator =
            end < locator_size ? std::string() : bytes_at(end - locator_size, locator_size);
        if (!locator.starts_with("PK\x06\x07"))
            return; // it is none of those
        const auto at = number_at(locator, 8, 8);
        if (number_at(locator, 16, 4) > 1)
            refuse_parts();
        const auto record = at > end - locator_size ? std::string() : bytes_at(at, end64_size);
        if (record.size() != end64_size || !record.starts_with("PK\x06\x06") ||
            number_at(record, 4, 8) != end - locator_size - at - 12)
            throw Error("it is no whole zip: its directory is not where it says");
        m_is_zip64 = true;
        m_count = number_at(record, 32, 8);
        m_length = number_at(record, 40, 8);
        m_begin = number_at(record, 48, 8);
        m_directory_end = at;
    }

    void count_entries() const {
        std::uint64_t found = 0;
        auto at = m_begin;
        while (at < m_directory_end) {
            const auto entry = bytes_at(at, entry_size);
            if (entry.size() != entry_size || !entry.starts_with("PK\x01\x02"))
                throw Error(fmt::format("it is damaged: entry {} of its directory is none", found));
            if (++found > m_limits.entries)
                refuse_entries(m_limits);
            at += entry_size + number_at(entry, 28, 2) + number_at(entry, 30, 2) +
                  number_at(entry, 32, 2);
        }
        // Old programs count more than 65535 entries from 0 again.
        const auto counted = m_is_zip64 ? found : found % 0x10000;
        if (at != m_directory_end || counted != m_count)
            throw Error("it is damaged: its directory has not the size it claims");
    }

    [[noreturn]] static void refuse_parts() {
        throw Error("it is one part of a zip in several parts")
            .advise("make one file of it: zip -s 0 parts.zip --out whole.zip");
    }

    int m_fd;
    const Limits& m_limits;
    std::uint64_t m_size = 0;
    std::uint64_t m_count = 0;
    std::uint64_t m_begin = 0;
    std::uint64_t m_length = 0;
    std::uint64_t m_directory_end = 0;
    bool m_is_zip64 = false;
};

} // namespace

void require_whole_zip(int fd, const Limits& limits) {
    ZipEnd(fd, limits).check();
}

} // namespace shipit::slug

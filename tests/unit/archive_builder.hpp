// Archives made byte by byte, as no program would make them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace shipit::tests {

// --- tar ---

struct TarEntry {
    std::string name;
    std::string content = {};
    char type = '0';
    std::string target = {};
    unsigned mode = 0644;
    std::string size = {};              // twelve bytes as they are; empty: that of the content
    std::string mtime = {};             // likewise
    std::string_view magic = "ustar  "; // GNU; "ustar\0" "00" is POSIX
    unsigned spoil_checksum = 0;        // is added to it
};

std::string tar(const TarEntry& entry);
// The same with two blocks of zeros behind it.
std::string whole_tar(const std::vector<TarEntry>& entries);
inline const std::string tar_end(1024, '\0');

// A header of type 'x' or 'g' with these records as they are.
std::string pax(std::string_view records, char type = 'x');
std::string pax_record(std::string_view key, std::string_view value);
// A long name ('L') or link target ('K').
std::string gnu_long(char type, std::string_view name);
std::string padded(std::string bytes);

// --- Around it ---

std::string gzip(std::string_view bytes);
std::string xz(std::string_view bytes);
// One frame of raw blocks, with its content checksum unless `descriptor` says otherwise.
std::string zstd(std::string_view bytes, std::string_view frame_header = {});
std::string zstd_skippable(std::string_view bytes, std::uint32_t claimed_size);
// Blocks that repeat one byte: `count` of them in four bytes for each 128 KiB.
std::string zstd_of_one_byte(char byte, std::uint64_t count);

// --- zip ---

struct ZipEntry {
    std::string name;
    std::string content = {};
    unsigned mode = 0100644;
    unsigned system = 3; // Unix
    unsigned flags = 0;
    unsigned method = 0;          // stored
    std::uint32_t claimed = 0;    // size, if not 0
    std::uint32_t spoil_crc = 0;  // is added to it
    std::uint32_t local_at = ~0U; // where the directory says the entry is, if it lies
};

struct ZipEnd {
    std::string_view comment = {};
    unsigned part = 0;
    int more_entries = 0; // than there are
    int longer = 0;       // than the directory is
};

std::string zip(const std::vector<ZipEntry>& entries, const ZipEnd& end = {});

std::uint32_t crc32_of(std::string_view bytes);
std::string little_endian(std::uint64_t number, unsigned width);

} // namespace shipit::tests

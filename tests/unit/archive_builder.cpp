#include "tests/unit/archive_builder.hpp"

#include <algorithm>
#include <array>

#include <xxhash.h>

namespace shipit::tests {

namespace {

constexpr std::size_t block = 512;

std::string octal(std::uint64_t number, std::size_t digits) {
    std::string text(digits, '0');
    for (std::size_t i = digits; i-- > 0; number >>= 3U)
        text[i] = static_cast<char>('0' + (number & 7U));
    return text;
}

void put(std::string& header, std::size_t at, std::string_view bytes) {
    bytes.copy(header.data() + at, std::min(bytes.size(), header.size() - at));
}

} // namespace

std::string little_endian(std::uint64_t number, unsigned width) {
    std::string bytes;
    for (unsigned i = 0; i < width; i++, number >>= 8U)
        bytes += static_cast<char>(number & 255U);
    return bytes;
}

std::uint32_t crc32_of(std::string_view bytes) {
    std::uint32_t crc = ~0U;
    for (const char byte : bytes) {
        crc ^= static_cast<unsigned char>(byte);
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 1U) != 0 ? crc >> 1U ^ 0xEDB88320U : crc >> 1U;
    }
    return ~crc;
}

// --- tar ---

std::string padded(std::string bytes) {
    bytes.resize((bytes.size() + block - 1) / block * block, '\0');
    return bytes;
}

std::string tar(const TarEntry& entry) {
    std::string header(block, '\0');
    put(header, 0, std::string_view(entry.name).substr(0, 100));
    put(header, 100, octal(entry.mode, 7));
    put(header, 108, octal(0, 7));
    put(header, 116, octal(0, 7));
    put(header, 124, entry.size.empty() ? octal(entry.content.size(), 11) : entry.size);
    put(header, 136, entry.mtime.empty() ? octal(1'600'000'000, 11) : entry.mtime);
    put(header, 148, "        ");
    header[156] = entry.type;
    put(header, 157, std::string_view(entry.target).substr(0, 100));
    put(header, 257, entry.magic);
    put(header, 329, octal(1, 7)); // of devices: 1, 3 is /dev/null
    put(header, 337, octal(3, 7));
    std::uint64_t sum = entry.spoil_checksum;
    for (const char byte : header)
        sum += static_cast<unsigned char>(byte);
    put(header, 148, octal(sum, 6) + '\0' + ' ');
    return header + padded(entry.content);
}

std::string whole_tar(const std::vector<TarEntry>& entries) {
    std::string bytes;
    for (const auto& entry : entries)
        bytes += tar(entry);
    return bytes + tar_end;
}

std::string pax(std::string_view records, char type) {
    return tar({.name = "PaxHeaders/x",
                .content = std::string(records),
                .type = type,
                .magic = {"ustar\0"
                          "00",
                          8}});
}

std::string pax_record(std::string_view key, std::string_view value) {
    const auto rest = ' ' + std::string(key) + '=' + std::string(value) + '\n';
    auto size = rest.size() + 1;
    while (std::to_string(size).size() + rest.size() != size)
        size = std::to_string(size).size() + rest.size();
    return std::to_string(size) + rest;
}

std::string gnu_long(char type, std::string_view name) {
    return tar({.name = "././@LongLink", .content = std::string(name) + '\0', .type = type});
}

// --- Around it ---

std::string gzip(std::string_view bytes) {
    std::string packed("\x1f\x8b\x08\0\0\0\0\0\0\x03", 10);
    const auto size = static_cast<std::uint32_t>(bytes.size());
    const auto crc = crc32_of(bytes);
    do { // stored blocks of deflate
        const auto piece = bytes.substr(0, 65535);
        bytes.remove_prefix(piece.size());
        packed += bytes.empty() ? '\1' : '\0';
        packed += little_endian(piece.size(), 2) + little_endian(~piece.size(), 2);
        packed += piece;
    } while (!bytes.empty());
    return packed + little_endian(crc, 4) + little_endian(size, 4);
}

namespace {

std::string xz_number(std::uint64_t number) {
    std::string bytes;
    for (; number >= 128; number >>= 7U)
        bytes += static_cast<char>((number & 127U) | 128U);
    return bytes + static_cast<char>(number);
}

std::string with_crc(const std::string& bytes) {
    return bytes + little_endian(crc32_of(bytes), 4);
}

void fill_to_four(std::string& bytes) {
    bytes.resize((bytes.size() + 3) / 4 * 4, '\0');
}

} // namespace

std::string xz(std::string_view bytes) {
    const std::string flags("\0\x01", 2); // checks by CRC-32
    std::string packed = std::string("\xFD"
                                     "7zXZ\0",
                                     6) +
                         flags + little_endian(crc32_of(flags), 4);
    const auto header = with_crc(std::string("\x02\0\x21\x01\x08\0\0\0", 8)); // LZMA2
    std::string content;
    for (auto rest = bytes; !rest.empty();) { // chunks that are not compressed
        const auto piece = rest.substr(0, 65536);
        content += content.empty() ? '\1' : '\2';
        content += static_cast<char>((piece.size() - 1) >> 8U);
        content += static_cast<char>((piece.size() - 1) & 255U);
        content += piece;
        rest.remove_prefix(piece.size());
    }
    content += '\0';
    const auto unpadded = header.size() + content.size() + 4;
    fill_to_four(content);
    packed += header + content + little_endian(crc32_of(bytes), 4);
    std::string index = std::string("\0\1", 2) + xz_number(unpadded) + xz_number(bytes.size());
    fill_to_four(index);
    index = with_crc(index);
    const auto back = little_endian(index.size() / 4 - 1, 4) + flags;
    return packed + index + little_endian(crc32_of(back), 4) + back + "YZ";
}

namespace {

constexpr std::string_view zstd_magic = "\x28\xB5\x2F\xFD";
constexpr std::size_t zstd_block = std::size_t{128} << 10;

std::string zstd_block_header(bool is_last, unsigned type, std::size_t size) {
    return little_endian((is_last ? 1U : 0U) | type << 1U | size << 3U, 3);
}

} // namespace

std::string zstd(std::string_view bytes, std::string_view frame_header) {
    constexpr std::string_view checked("\x04\x38", 2); // a checksum; a window of 128 KiB
    const auto header = frame_header.empty() ? checked : frame_header;
    std::string packed = std::string(zstd_magic) + std::string(header);
    const auto checksum = XXH64(bytes.data(), bytes.size(), 0);
    do {
        const auto piece = bytes.substr(0, zstd_block);
        bytes.remove_prefix(piece.size());
        packed += zstd_block_header(bytes.empty(), 0, piece.size());
        packed += piece;
    } while (!bytes.empty());
    if ((static_cast<unsigned char>(header[0]) & 4U) != 0)
        packed += little_endian(checksum, 4);
    return packed;
}

std::string zstd_skippable(std::string_view bytes, std::uint32_t claimed_size) {
    return little_endian(0x184D2A50, 4) + little_endian(claimed_size, 4) + std::string(bytes);
}

std::string zstd_of_one_byte(char byte, std::uint64_t count) {
    std::string packed = std::string(zstd_magic) + std::string("\0\x38", 2);
    while (count > 0) {
        const auto size = std::min<std::uint64_t>(count, zstd_block);
        count -= size;
        packed += zstd_block_header(count == 0, 1, size) + byte;
    }
    return packed;
}

// --- zip ---

namespace {

struct ZipParts {
    std::string files;
    std::string directory;
};

void add(ZipParts& parts, const ZipEntry& entry) {
    const auto at = entry.local_at == ~0U ? parts.files.size() : entry.local_at;
    const auto size = entry.claimed != 0 ? entry.claimed : entry.content.size();
    // Version, flags, method, time, date (1 January 2020), CRC, packed and unpacked size.
    const auto common = little_endian(20, 2) + little_endian(entry.flags, 2) +
                        little_endian(entry.method, 2) + little_endian(0, 2) +
                        little_endian(0x5021, 2) +
                        little_endian(crc32_of(entry.content) + entry.spoil_crc, 4) +
                        little_endian(entry.content.size(), 4) + little_endian(size, 4) +
                        little_endian(entry.name.size(), 2) + little_endian(0, 2);
    parts.files += "PK\x03\x04" + common + entry.name + entry.content;
    // Comment, part, attributes inside, outside, place.
    parts.directory += "PK\x01\x02" + little_endian(20 | entry.system << 8U, 2) + common +
                       little_endian(0, 6) + little_endian(std::uint64_t{entry.mode} << 16U, 4) +
                       little_endian(at, 4) + entry.name;
}

} // namespace

std::string zip(const std::vector<ZipEntry>& entries, const ZipEnd& end) {
    ZipParts parts;
    for (const auto& entry : entries)
        add(parts, entry);
    const auto count =
        little_endian(entries.size() + static_cast<std::uint64_t>(end.more_entries), 2);
    return parts.files + parts.directory + "PK\x05\x06" + little_endian(end.part, 2) +
           little_endian(end.part, 2) + count + count +
           little_endian(parts.directory.size() + static_cast<std::uint64_t>(end.longer), 4) +
           little_endian(parts.files.size(), 4) + little_endian(end.comment.size(), 2) +
           std::string(end.comment);
}

} // namespace shipit::tests

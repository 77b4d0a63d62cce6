#include "core/slug/tar_header.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace shipit::slug {

namespace {

constexpr std::size_t name_field = 100;
constexpr std::int64_t latest_mtime = (std::int64_t{1} << 33) - 1;
constexpr std::uint64_t largest_octal_size = (std::uint64_t{1} << 33) - 1;

// Offsets in a header, see tar(5).
constexpr std::size_t at_mode = 100;
constexpr std::size_t at_uid = 108;
constexpr std::size_t at_gid = 116;
constexpr std::size_t at_size = 124;
constexpr std::size_t at_mtime = 136;
constexpr std::size_t at_checksum = 148;
constexpr std::size_t at_type = 156;
constexpr std::size_t at_target = 157;
constexpr std::size_t at_magic = 257;

// Octal digits that fill all of the field but its last byte, which stays NUL.
void put_octal(std::string& block, std::size_t at, std::size_t width, std::uint64_t value) {
    for (std::size_t i = width - 1; i-- > 0; value >>= 3U)
        block[at + i] = static_cast<char>('0' + (value & 7U));
}

void put_size(std::string& block, std::uint64_t size) {
    if (size <= largest_octal_size)
        return put_octal(block, at_size, 12, size);
    for (std::size_t i = 12; i-- > 1; size >>= 8U) // base 256, marked by the first bit
        block[at_size + i] = static_cast<char>(size & 255U);
    block[at_size] = static_cast<char>(0x80);
}

struct Fields {
    std::string_view name;
    std::string_view target;
    char type;
    unsigned mode;
    std::uint64_t size;
    std::int64_t mtime;
};

std::string block_of(const Fields& fields) {
    std::string block(tar_block, '\0');
    fields.name.substr(0, name_field).copy(block.data(), name_field);
    put_octal(block, at_mode, 8, fields.mode);
    put_octal(block, at_uid, 8, 0);
    put_octal(block, at_gid, 8, 0);
    put_size(block, fields.size);
    put_octal(block, at_mtime, 12, static_cast<std::uint64_t>(clamped_mtime(fields.mtime)));
    block[at_type] = fields.type;
    fields.target.substr(0, name_field).copy(block.data() + at_target, name_field);
    std::string_view("ustar  ").copy(block.data() + at_magic, 8);
    std::fill_n(block.begin() + at_checksum, 8, ' ');
    unsigned sum = 0;
    for (const char byte : block)
        sum += static_cast<unsigned char>(byte);
    put_octal(block, at_checksum, 7, sum);
    block[at_checksum + 6] = '\0';
    return block;
}

std::uint64_t padded(std::uint64_t size) {
    return (size + tar_block - 1) / tar_block * tar_block;
}

bool is_long(std::string_view name) {
    return name.size() > name_field;
}

// A name that does not fit: a header of its own type, then the name with a NUL as content.
void append_long_name(std::string& header, char type, std::string_view name) {
    header += block_of({"././@LongLink", {}, type, 0644, name.size() + 1, 0});
    header += name;
    header.append(padded(name.size() + 1) - name.size(), '\0');
}

std::string name_of(const Entry& entry) {
    return entry.type == Type::folder ? entry.path + '/' : entry.path;
}

char type_flag(Type type) {
    switch (type) {
    case Type::folder:
        return '5';
    case Type::symlink:
        return '2';
    case Type::hard_link:
        return '1';
    case Type::file:
        break;
    }
    return '0';
}

unsigned shown_mode(const Entry& entry) {
    return entry.type == Type::symlink ? 0777 : entry.mode;
}

} // namespace

std::int64_t clamped_mtime(std::int64_t seconds) {
    return std::clamp<std::int64_t>(seconds, 0, latest_mtime);
}

std::string tar_header(const Entry& entry) {
    const std::string name = name_of(entry);
    std::string header;
    if (is_long(entry.target))
        append_long_name(header, 'K', entry.target);
    if (is_long(name))
        append_long_name(header, 'L', name);
    header += block_of(
        {name, entry.target, type_flag(entry.type), shown_mode(entry), entry.size, entry.mtime});
    return header;
}

std::uint64_t tar_header_size(const Entry& entry) {
    std::uint64_t size = tar_block;
    if (is_long(entry.target))
        size += tar_block + padded(entry.target.size() + 1);
    const std::size_t name_size = entry.path.size() + (entry.type == Type::folder ? 1 : 0);
    if (name_size > name_field)
        size += tar_block + padded(name_size + 1);
    return size;
}

} // namespace shipit::slug

#include "core/slug/seek_table.hpp"

#include "core/base/error.hpp"

namespace shipit::slug {

namespace {

constexpr std::uint32_t footer_magic = 0x8F92EAB1;
constexpr std::uint64_t most_frames = 0x8000000;
constexpr std::uint64_t entry_size = 8;

[[noreturn]] void refuse_table(const char* why) {
    throw Error(std::string("it has no seek table of a slug: ") + why, Outcome::corrupt);
}

} // namespace

void append_number(std::string& bytes, std::uint64_t number, unsigned width) {
    for (unsigned i = 0; i < width; i++, number >>= 8U)
        bytes += static_cast<char>(number & 255U);
}

std::uint64_t number_at(std::string_view bytes, std::size_t at, unsigned width) {
    std::uint64_t number = 0;
    for (unsigned i = width; i-- > 0;)
        number = number << 8U | static_cast<unsigned char>(bytes.at(at + i));
    return number;
}

std::string seek_table(const std::vector<Frame>& frames) {
    std::string bytes;
    append_number(bytes, seek_table_magic, 4);
    append_number(bytes, frames.size() * entry_size + seek_footer_size, 4);
    for (const auto& frame : frames) {
        append_number(bytes, frame.packed, 4);
        append_number(bytes, frame.unpacked, 4);
    }
    append_number(bytes, frames.size(), 4);
    append_number(bytes, 0, 1); // no checksums: theirs would be XXH64
    append_number(bytes, footer_magic, 4);
    return bytes;
}

std::uint64_t seek_table_size(std::string_view footer) {
    if (footer.size() != seek_footer_size || number_at(footer, 5, 4) != footer_magic)
        refuse_table("its end is missing");
    const auto count = number_at(footer, 0, 4);
    if (count > most_frames || number_at(footer, 4, 1) != 0)
        refuse_table("its footer is wrong");
    return skippable_header_size + count * entry_size + seek_footer_size;
}

std::vector<Frame> parse_seek_table(std::string_view frame, std::uint64_t file_size) {
    if (frame.size() < skippable_header_size + seek_footer_size ||
        number_at(frame, 0, 4) != seek_table_magic ||
        number_at(frame, 4, 4) != frame.size() - skippable_header_size)
        refuse_table("its header is wrong");
    const auto count = (frame.size() - skippable_header_size - seek_footer_size) / entry_size;
    std::vector<Frame> frames;
    frames.reserve(count);
    std::uint64_t at = 0;
    for (std::size_t i = 0; i < count; i++) {
        const auto entry = skippable_header_size + i * entry_size;
        Frame next;
        next.at = at;
        next.packed = static_cast<std::uint32_t>(number_at(frame, entry, 4));
        next.unpacked = static_cast<std::uint32_t>(number_at(frame, entry + 4, 4));
        at += next.packed;
        frames.push_back(next);
    }
    if (at + frame.size() != file_size)
        refuse_table("its frames do not fill the file");
    return frames;
}

} // namespace shipit::slug

#include "core/slug/tail.hpp"

#include "core/base/error.hpp"
#include "core/slug/seek_table.hpp"
#include "core/slug/tar_header.hpp"
#include "core/slug/zstd.hpp"

#include <utility>

#include <fmt/core.h>

namespace shipit::slug {

namespace {

constexpr std::string_view magic = "shipslug";
constexpr std::uint64_t version = 1;

// Offsets in the frame's content.
constexpr std::size_t at_version = 8;
constexpr std::size_t at_reserved = 12;
constexpr std::size_t at_text_size = 16;
constexpr std::size_t at_entries = 24;
constexpr std::size_t at_frames = 32;
constexpr std::size_t at_payload = 40;

constexpr std::size_t mtime_size = 8;
constexpr std::size_t hash_size = 16;
// What a list may claim to be, so that a forged one takes no more memory than this.
constexpr std::uint64_t most_bytes = std::uint64_t{1} << 30;

[[noreturn]] void refuse(const char* why) {
    throw Error(std::string("its file list is damaged: ") + why, Outcome::corrupt);
}

struct Sizes {
    std::uint64_t text;
    std::uint64_t entries;
    std::uint64_t frames;
    [[nodiscard]] std::uint64_t payload() const {
        return text + entries * mtime_size + frames * hash_size;
    }
};

Sizes sizes_in(std::string_view content) {
    if (content.size() < at_payload || content.substr(0, magic.size()) != magic)
        refuse("it is not one of shipit's");
    const auto found = number_at(content, at_version, 4);
    if (found != version || number_at(content, at_reserved, 4) != 0)
        throw Error(fmt::format("the slug's format is version {}, this shipit reads version {}",
                                found, version))
            .advise("install a newer shipit");
    const Sizes sizes{number_at(content, at_text_size, 8), number_at(content, at_entries, 8),
                      number_at(content, at_frames, 8)};
    if (sizes.text > most_bytes || sizes.entries > sizes.text ||
        sizes.frames > most_bytes / hash_size || sizes.payload() > most_bytes)
        refuse("it claims to be larger than 1 GiB");
    return sizes;
}

void take_table(Tail& tail, std::string_view table, std::uint64_t frames) {
    for (auto& entry : tail.list.entries) {
        entry.mtime = static_cast<std::int64_t>(number_at(table, 0, mtime_size));
        if (entry.mtime != clamped_mtime(entry.mtime))
            refuse("a time is out of range");
        table.remove_prefix(mtime_size);
    }
    for (std::uint64_t i = 0; i < frames; i++)
        tail.frame_hashes.push_back(Hash::from_bytes(table.data() + i * hash_size));
}

// The bytes are the decompressor's.
std::pair<Sizes, std::string_view> unpacked(std::string_view frame, Decompressor& decompressor) {
    if (frame.size() < skippable_header_size || number_at(frame, 0, 4) != list_frame_magic ||
        number_at(frame, 4, 4) != frame.size() - skippable_header_size)
        refuse("its frame is not where it should be");
    const auto content = frame.substr(skippable_header_size);
    const Sizes sizes = sizes_in(content);
    return {sizes, decompressor.unpack(content.substr(at_payload), sizes.payload())};
}

} // namespace

std::string list_frame(const FileList& list, std::string_view text,
                       const std::vector<Hash>& frame_hashes, int level) {
    std::string payload(text);
    for (const auto& entry : list.entries)
        append_number(payload, static_cast<std::uint64_t>(entry.mtime), mtime_size);
    for (const auto& hash : frame_hashes)
        payload += hash.bytes();
    const std::string packed = Compressor(level).compress(payload);

    std::string frame;
    append_number(frame, list_frame_magic, 4);
    append_number(frame, at_payload + packed.size(), 4);
    frame += magic;
    append_number(frame, version, 4);
    append_number(frame, 0, 4);
    append_number(frame, text.size(), 8);
    append_number(frame, list.entries.size(), 8);
    append_number(frame, frame_hashes.size(), 8);
    return frame + packed;
}

Tail parse_list_frame(std::string_view frame, const Limits* limits) {
    Decompressor decompressor;
    const auto [sizes, payload] = unpacked(frame, decompressor);
    const auto text = payload.substr(0, sizes.text);
    if (limits != nullptr)
        require_few_entries(text, *limits);
    Tail tail{id_of_text(text), FileList::parse(text), {}};
    if (tail.list.entries.size() != sizes.entries)
        refuse("the number of its lines is wrong");
    take_table(tail, payload.substr(sizes.text), sizes.frames);
    return tail;
}

bool holds_list(std::string_view frame, std::string_view text) {
    Decompressor decompressor;
    const auto [sizes, payload] = unpacked(frame, decompressor);
    return payload.substr(0, sizes.text) == text;
}

} // namespace shipit::slug

// Any bytes as a slug: its end, its frames, its unpacking.
//
// A mutated slug is mostly refused for a checksum, and what lies behind the checksums would never
// be seen. So the input's first byte chooses what the rest is:
//   S  a slug as it is;
//   L  a file list and a tar, with a NUL between them, around which a slug is made;
//   P  a file list and the bytes of its files: a proper slug of them, which must unpack.
#include "core/base/error.hpp"
#include "core/slug/seek_table.hpp"
#include "core/slug/slug_check.hpp"
#include "core/slug/tail.hpp"
#include "core/slug/tar_header.hpp"
#include "core/slug/unpack.hpp"
#include "core/slug/zstd.hpp"
#include "tests/fuzz/scratch.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <fcntl.h>

using namespace shipit;
using namespace shipit::slug;

namespace {

constexpr std::size_t frame_size = std::size_t{4} << 10; // several frames in a small tar
constexpr std::uint64_t most_unpacked = std::uint64_t{1} << 20;

struct Input {
    std::string_view list;
    std::string_view rest;
};

Input taken_apart(std::string_view input) {
    const auto nul = input.find('\0');
    if (nul == std::string_view::npos)
        return {input, {}};
    return {input.substr(0, nul), input.substr(nul + 1)};
}

// Whatever list and tar are: everything around them is as it should be.
std::string slug_around(const FileList& list, std::string_view text, std::string_view tar) {
    std::string slug;
    std::vector<Frame> frames;
    std::vector<Hash> hashes;
    const auto add = [&](const std::string& bytes, std::size_t unpacked) {
        frames.push_back({slug.size(), static_cast<std::uint32_t>(bytes.size()),
                          static_cast<std::uint32_t>(unpacked)});
        slug += bytes;
    };
    Compressor compressor(1);
    for (; !tar.empty(); tar.remove_prefix(std::min(frame_size, tar.size()))) {
        const auto piece = tar.substr(0, frame_size);
        hashes.push_back(hash_of(piece));
        add(compressor.compress(piece), piece.size());
    }
    add(list_frame(list, text, hashes, 1), 0);
    return slug + seek_table(frames);
}

std::string slug_of_list(std::string_view input) {
    const auto [text, tar] = taken_apart(input);
    FileList list; // only the number of its entries and their times count here
    list.entries.resize(static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')));
    return slug_around(list, text, tar);
}

// Throws Error if the list is none, or too large to make.
std::string proper_slug(std::string_view input) {
    auto [text, content] = taken_apart(input);
    auto list = FileList::parse(text);
    if (list.unpacked() > most_unpacked)
        throw Error("too large");
    std::string tar;
    for (auto& entry : list.entries) {
        if (entry.type == Type::file) {
            std::string bytes(content.substr(0, entry.size));
            content.remove_prefix(bytes.size());
            bytes.resize(entry.size, 'x');
            entry.hash = hash_of(bytes);
            bytes.resize((bytes.size() + tar_block - 1) / tar_block * tar_block, '\0');
            tar += tar_header(entry) + bytes;
        } else {
            tar += tar_header(entry);
        }
    }
    tar.append(tar_end_size, '\0');
    return slug_around(list, list.text(), tar);
}

void read(const Path& folder, const std::string& bytes, bool is_proper) {
    const auto path = folder / "slug";
    const auto file = sys::open_file(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    sys::write_all(file.get(), bytes, path);
    const SlugFile slug(path);
    fuzz::Scratch::require(id_of_text(slug.list().text()) == slug.id(),
                           "a list is read that would be written otherwise");
    if (slug.list().unpacked() > most_unpacked)
        return; // time better spent elsewhere
    const auto id = slug.id();
    const Store store(folder / "releases");
    for (const auto* made : {"releases", "trees"})
        fuzz::Scratch::require(::mkdir((folder / made).c_str(), 0700) == 0, "no room");
    fuzz::Scratch::require(::rename(path.c_str(), store.path_of(id).c_str()) == 0, "no room");
    UnpackOptions options;
    options.threads = 1;
    bool is_whole = true;
    try {
        check_content(slug, {});
    } catch (const Error&) {
        is_whole = false;
    }
    fuzz::Scratch::require(is_whole || !is_proper, "a proper slug is taken for damaged");
    try {
        (void)unpack(store, id, folder / "trees", options);
    } catch (const Error& error) {
        if (is_whole)
            (void)std::fprintf(stderr, "fuzz: %s\n", error.what());
        fuzz::Scratch::require(!is_whole, "a slug that is whole cannot be unpacked");
        fuzz::Scratch::require(!sys::is_there(folder / "trees" / id.text()),
                               "a tree has its name before it is complete");
    }
}

} // namespace

// The name is libFuzzer's: https://llvm.org/docs/LibFuzzer.html.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const fuzz::Scratch scratch;
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    if (input.empty())
        return 0;
    const auto rest = input.substr(1);
    try {
        if (input.front() == 'S')
            read(scratch.inside(), std::string(rest), false);
        else if (input.front() == 'P')
            read(scratch.inside(), proper_slug(rest), true);
        else
            read(scratch.inside(), slug_of_list(rest), false);
    } catch (const Error&) {
        // refused
    }
    scratch.require_untouched();
    scratch.start_again();
    return 0;
}

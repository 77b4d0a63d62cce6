// Any bytes as an archive: they are unpacked into one folder or refused, and nothing else happens.
//
// Every header of a tar has a checksum, without which nothing behind it would be looked at; so it
// is put right after most mutations.
#include "core/base/error.hpp"
#include "core/slug/archive_reader.hpp"
#include "tests/fuzz/scratch.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <sys/mman.h>

using namespace shipit;

// The names are libFuzzer's: https://llvm.org/docs/LibFuzzer.html.
// NOLINTBEGIN(readability-identifier-naming)
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace {

constexpr std::size_t block = 512;
constexpr std::size_t at_checksum = 148;
constexpr std::size_t checksum_size = 8;
constexpr std::size_t at_magic = 257;

void put_checksum_right(std::uint8_t* header) {
    std::fill_n(header + at_checksum, checksum_size, std::uint8_t{' '});
    unsigned sum = 0;
    for (std::size_t i = 0; i < block; i++)
        sum += header[i];
    for (std::size_t digit = 6; digit-- > 0; sum >>= 3U)
        header[at_checksum + digit] = static_cast<std::uint8_t>('0' + (sum & 7U));
    header[at_checksum + 6] = 0;
}

} // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t most, unsigned seed) {
    const auto mutated = LLVMFuzzerMutate(data, size, most);
    if (seed % 8 != 0)
        for (std::size_t at = 0; at + block <= mutated; at += block)
            if (std::memcmp(data + at + at_magic, "ustar", 5) == 0)
                put_checksum_right(data + at);
    return mutated;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const fuzz::Scratch scratch;
    slug::Limits limits;
    limits.entries = 1000;
    limits.bytes = std::uint64_t{4} << 20;
    limits.outside_links = true; // the more dangerous way
    const sys::Fd archive(::memfd_create("archive", MFD_CLOEXEC));
    sys::write_all(archive.get(), {reinterpret_cast<const char*>(data), size}, "archive");
    fuzz::Scratch::require(::lseek(archive.get(), 0, SEEK_SET) == 0, "no room");
    try {
        slug::unpack_archive(archive.get(), scratch.inside(), limits, {});
    } catch (const Error&) {
        // refused
    }
    scratch.require_untouched();
    scratch.start_again();
    return 0;
}
// NOLINTEND(readability-identifier-naming)

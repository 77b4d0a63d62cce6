// How the contents that are missing are cut into pieces. Both sides do it for themselves, from the
// same lists, and come to the same.
#pragma once

#include "core/push/messages.hpp"
#include "core/slug/file_list.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace shipit::push {

// A stretch of a file.
struct Stretch {
    std::size_t entry = 0; // index in a list
    std::uint64_t offset = 0;
    std::size_t size = 0; // never 0
};

// Contents that travel together, told by what is different from others that both sides have.
struct Piece {
    std::vector<Stretch> contents;  // in the new list, in its order
    std::vector<Stretch> reference; // in the base's list
    std::size_t size = 0;           // of the contents

    static constexpr std::size_t most = std::size_t{4} << 20;            // bytes of contents
    static constexpr std::size_t most_reference = std::size_t{16} << 20; // and of reference
};

// Covers the files of `list` that are needed, in order. A file's reference is the file of the same
// path in `base`, of a big one the stretch about where it would be.
[[nodiscard]] std::vector<Piece> plan_pieces(const slug::FileList& list, const Bits& needed,
                                             const slug::FileList& base);

[[nodiscard]] std::uint64_t size_of(const std::vector<Piece>& pieces);

} // namespace shipit::push

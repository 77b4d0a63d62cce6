// How big an archive from outside may be, once unpacked, before it is refused.
#pragma once

#include <cstdint>

namespace shipit::slug {

struct Limits {
    std::uint64_t entries = 1'000'000;
    std::uint64_t bytes = std::uint64_t{20} << 30;
    std::uint64_t depth = 128;       // names in a path
    std::uint64_t path_bytes = 4000; // in a path
    std::uint64_t name_bytes = 255;  // between two slashes
    std::uint64_t expansion =
        1000;                   // unpacked bytes per byte read, once more than 64 MiB are unpacked
    bool outside_links = false; // symlinks that are absolute or lead out of the build
};

} // namespace shipit::slug

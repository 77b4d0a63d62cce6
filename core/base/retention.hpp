// How much of an app's past is kept: what config reads from [retention], and release applies.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace shipit {

struct Retention {
    unsigned keep = 10;                                  // good releases
    std::optional<std::chrono::milliseconds> older_than; // older ones go, whatever `keep` says
    std::optional<std::uint64_t> max_size;               // of all slugs together, in bytes
    unsigned keep_failed = 3;                            // failed, bad and unproven releases

    bool operator==(const Retention&) const = default;
};

} // namespace shipit

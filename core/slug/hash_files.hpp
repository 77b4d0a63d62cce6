// Hashes many files of a walked folder on all cores.
#pragma once

#include "core/base/progress.hpp"
#include "core/slug/crew.hpp"
#include "core/slug/walk.hpp"

#include <cstddef>
#include <vector>

namespace shipit::slug {

// What becomes of a file that is not what the walk found any more.
enum class IfChanged { is_refused, has_no_hash };

// Where a walk was.
struct WalkedRoot {
    int fd;     // open, the caller's
    Path shown; // its name, for errors
    IfChanged changed = IfChanged::is_refused;
};

// Fills in the hashes of the `wanted` entries, which are files. Throws Error if one cannot be read,
// or is refused.
void hash_files(const WalkedRoot& root, Walked& walked, const std::vector<std::size_t>& wanted,
                Crew& crew, const Progress& progress);

} // namespace shipit::slug

// Makes the frames of a slug: reads, hashes and compresses on all cores, takes from the earlier
// slug what did not change, and writes in order.
#pragma once

#include "core/base/progress.hpp"
#include "core/slug/build.hpp"
#include "core/slug/earlier_slug.hpp"
#include "core/slug/frame_plan.hpp"
#include "core/slug/slug_writer.hpp"
#include "core/slug/walk.hpp"

#include <cstdint>
#include <vector>

namespace shipit::slug {

// A build that was walked, on its way to a slug.
struct Draft {
    Walked walked;
    // Of every entry, whether the list has its final hash; folders and links have none to wait for.
    std::vector<char> is_hashed;
};

struct PackingOptions {
    int level;
    Cut cut;
    const EarlierSlug* earlier; // or null
    const Progress& progress;
};

struct Reused {
    std::uint64_t frames = 0;
    std::uint64_t bytes = 0; // unpacked
};

// Thrown where a file is not what the stat cache said.
struct StaleCache {};

// Gives `writer` all frames of the draft's stream but its end, and fills in the hashes that are
// missing. No more than one frame per core and two are in memory, whatever the size of the build.
[[nodiscard]] Reused pack_frames(const Build& build, Draft& draft, SlugWriter& writer, Crew& crew,
                                 const PackingOptions& options);

} // namespace shipit::slug

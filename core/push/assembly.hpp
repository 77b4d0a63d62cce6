// A build, put together from what has arrived and what is in slugs that the host has.
#pragma once

#include "core/base/progress.hpp"
#include "core/push/arrivals.hpp"
#include "core/push/pieces.hpp"
#include "core/slug/build.hpp"
#include "core/slug/file_list.hpp"
#include "core/slug/limits.hpp"
#include "core/slug/slug_file.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace shipit::push {

// Where the content of a file is that need not be sent.
struct Place {
    std::size_t slug = 0;  // index in Material::slugs
    std::size_t entry = 0; // in its list
};

// All that a build is made of. The slugs are open: they can be read even if they are pruned.
struct Material {
    slug::FileList list;
    std::vector<std::unique_ptr<slug::SlugFile>> slugs; // the base, if there is one, is the first
    std::vector<std::optional<Place>> places;           // for every entry; files that have none are
    Bits needed;                                        // needed
    std::vector<Piece> pieces;
    std::string sha256; // of the list's text and all contents, as the pusher has them
};

// Throws Error for a list that is beyond `limits`, before anything of it is made.
void require_within(const slug::FileList& list, const slug::Limits& limits);

// What the pusher's SHA-256 is of, fed from its slug.
[[nodiscard]] std::string sha256_of(const slug::SlugFile& slug, const Progress& progress);

// The reference of a piece, out of the base.
[[nodiscard]] std::string reference_of(const Piece& piece, const slug::SlugFile* base);

// The build, in a folder of its own inside `parent`, as hostile as an archive: every file has the
// hash that the list says, and all together the SHA-256. Throws Error: (corrupt) for what is not as
// it should be; beyond `limits`; an entry that may not be.
[[nodiscard]] slug::Build assemble(const Material& material, const Arrivals& arrivals,
                                   const Path& parent, const slug::Limits& limits,
                                   const Progress& progress);

} // namespace shipit::push

// What must hold between a slug's name, its list, its frames and its manifest.
#pragma once

#include "core/base/ids.hpp"
#include "core/base/progress.hpp"
#include "core/slug/slug_file.hpp"
#include "core/slug/store.hpp"

#include <string>

namespace shipit::slug {

// Each throws Error (corrupt) that names the slug and both hashes.
void require_id(const SlugFile& slug, const SlugId& id);
void require_sha256(const Store& store, const SlugId& id, const std::string& sha256,
                    const Progress& progress);

// Unpacks every frame, in memory, and compares headers, contents and paddings with the list.
void check_content(const SlugFile& slug, const Progress& progress);

// The error for an entry whose content does not have the listed hash.
[[noreturn]] void refuse_content(const SlugFile& slug, const Entry& entry, const Hash& found);

} // namespace shipit::slug

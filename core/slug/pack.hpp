// Makes a slug of a build.
#pragma once

#include "core/base/ids.hpp"
#include "core/base/progress.hpp"
#include "core/slug/build.hpp"
#include "core/slug/frame_plan.hpp"
#include "core/slug/store.hpp"
#include "core/slug/zstd.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace shipit::slug {

struct BuildSize {
    std::uint64_t bytes = 0;
    std::uint64_t entries = 0;
};

struct PackOptions {
    int level = default_level; // of zstd: 1 to 19
    unsigned threads = 0;      // 0: as many as there are cores
    Cut cut = {};
    // A stored slug of the app: what did not change since is taken from it, mtimes included.
    std::optional<SlugId> earlier = {};
    // The file of the stat cache (stat_cache.hpp), which is read and replaced; empty: no cache.
    sys::Path stat_cache = {};
    std::vector<std::string> leave_out = {}; // paths, with all in them: the app's shared ones
    // The SHA-256 that a manifest records for a stored slug, if any does; saves reading it again.
    std::function<std::optional<std::string>(const SlugId&)> recorded_sha256 = {};
    // Called before an archive is written; may throw, to refuse that, and change the store.
    std::function<void(const BuildSize&)> before_writing = {};
    // Write the archive even if one is stored, and take nothing from earlier ones or from the
    // cache: to replace one that is found damaged.
    bool anew = false;
    // Name it, but store nothing: the archive is not written, its SHA-256 stays empty.
    bool dry_run = false;
    Progress progress = {};
};

struct Packed {
    SlugId id;
    std::string sha256;     // of the archive
    std::uint64_t size = 0; // of the archive
    std::uint64_t unpacked = 0;
    std::uint64_t files = 0;
    std::uint64_t left_out = 0; // entries that .slugignore or `leave_out` kept out
    bool stored_already = false;
    bool replaced = false; // a damaged archive of the same id; its SHA-256 may have been another
    std::uint64_t reused_frames = 0; // copied from the earlier slug
    std::uint64_t reused_bytes = 0;  // what these frames unpack to
};

// Packs `build` into `store`. On return the slug is complete, under its name, and on the disk; a
// slug that is stored already is not written again. Throws Error: an empty build, a file that
// cannot be read or that changed meanwhile, something that is no file, folder or link, a full disk.
// The store is as it was then.
[[nodiscard]] Packed pack(const Build& build, const Store& store, const PackOptions& options);

} // namespace shipit::slug

// Care from cron: what is old goes, what is damaged is found.
#pragma once

#include "core/deploy/app.hpp"
#include "core/release/prune.hpp"

#include <optional>
#include <string>
#include <vector>

namespace shipit::deploy {

struct Fault {
    std::string what; // "slug 0123456789", "v3.toml", "tree 0123456789"
    std::string why;
    std::vector<ReleaseNumber> releases; // that need it
};

struct Verified {
    std::size_t slugs = 0;
    std::size_t trees = 0;
    std::vector<Fault> faults;
};

// Checks the slugs (SHA-256, frames, every file's hash, the id) of one release or of all, and their
// manifests; with `trees`, also that unpacked trees are as their slugs. Reads only.
[[nodiscard]] Verified verify(App& app, std::optional<ReleaseNumber> release, bool trees);

} // namespace shipit::deploy

// What is different between two releases, from their records and their slugs' file lists alone:
// nothing is unpacked, and no value of a config var is told.
#pragma once

#include "core/deploy/app.hpp"
#include "core/slug/verify.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace shipit::deploy {

enum class Fate { added, changed, removed };
[[nodiscard]] const char* name_of(Fate fate);

struct VarChange {
    Fate fate;
    std::string name;
};

[[nodiscard]] std::vector<VarChange> compare_config(const ConfigVars& before,
                                                    const ConfigVars& after);

struct ProcessChange {
    std::string name;
    std::optional<ProcessType> before; // one of the two at least
    std::optional<ProcessType> after;
    [[nodiscard]] Fate fate() const;
};

struct Comparison {
    release::Manifest before;
    release::Manifest after;
    // In the order of paths; nothing where a list is gone, and then why.
    std::optional<std::vector<slug::Change>> files;
    std::string why_no_files;
    std::vector<VarChange> config;        // by name
    std::vector<ProcessChange> processes; // by name

    [[nodiscard]] bool same_source() const;
    // Whether there is nothing to tell.
    [[nodiscard]] bool is_empty() const;
};

// What all changes of a kind come to.
struct Total {
    std::uint64_t files = 0;
    std::uint64_t bytes_before = 0;
    std::uint64_t bytes_after = 0;
};
[[nodiscard]] Total total_of(const std::vector<slug::Change>& changes, slug::Change::Kind kind);

struct ReleasePair {
    ReleaseNumber before;
    ReleaseNumber after;
};

// The releases that are meant: `before` and `after`; without `after` the live one; without both
// what was live before the live one, and that. Throws Error if nothing is live, or was before.
[[nodiscard]] ReleasePair releases_to_compare(const App& app, std::optional<ReleaseNumber> before,
                                              std::optional<ReleaseNumber> after);

// Throws Error: (failed) no such release, (corrupt) a record or a slug is damaged.
[[nodiscard]] Comparison compare(const App& app, const ReleasePair& pair);

} // namespace shipit::deploy

// Which release came from which, and which were left again: derived from manifests, since none of
// them says what was live when it was made.
#pragma once

#include "core/release/ledger.hpp"

#include <optional>
#include <vector>

namespace shipit::release {

struct Descent {
    ReleaseNumber number;
    // What it brought back or took live, else what was live when it was made. Nothing for the first
    // one, and where that is not known.
    std::optional<ReleaseNumber> from;
    std::optional<ReleaseNumber> left_by; // the rollback that went live in its place

    bool operator==(const Descent&) const = default;
};

// The newest release before `number` that was live. Throws Error for a record on the way that
// cannot be read.
[[nodiscard]] std::optional<ReleaseNumber> live_before(const Ledger& ledger, ReleaseNumber number);

// In the order of `entries`, as Ledger::newest() gives them: newest first, without gaps.
// `live_before_all` was live before the oldest of them was made.
[[nodiscard]] std::vector<Descent> descent_of(const std::vector<Entry>& entries,
                                              std::optional<ReleaseNumber> live_before_all);
// The same, with what was live before them looked up; not known is what is more than twenty
// numbers further back, or a record that cannot be read.
[[nodiscard]] std::vector<Descent> descent_of(const std::vector<Entry>& entries,
                                              const Ledger& ledger);

} // namespace shipit::release

// Remembers the hashes of files by what stat(2) says of them, so that files that did not change
// cost no reading.
//
// A file is taken for the same if device, inode, size, mtime and ctime are the same to the
// nanosecond. ctime cannot be set by anybody, so that what restores mtimes (touch -r, tar -x,
// rsync) and what reuses inodes is seen. It is only as good as the clock: files that changed less
// than two seconds before they were looked at, or in the future, are not remembered, since a later
// change may leave them with the same times; and a cache from the future, after the clock was set
// back, is thrown away.
//
// It is an aid, no promise: what comes from it is checked whenever the content is read after all,
// and once more when the slug is unpacked.
#pragma once

#include "core/slug/digest.hpp"
#include "core/slug/walk.hpp"

#include <chrono>
#include <optional>
#include <vector>

namespace shipit::slug {

class StatCache {
  public:
    using Time = std::chrono::nanoseconds; // since 1970, by the system's clock
    [[nodiscard]] static Time now();

    // What `file` holds; empty if there is none, if it is damaged, or if it is from after `now`.
    [[nodiscard]] static StatCache load(const Path& file, Time now);

    // Adds a file whose hash was found by reading it, or in another cache; not if it is younger
    // than `looked_at` (before the walk that found it) allows.
    void add(const Identity& identity, const Hash& hash, Time looked_at);
    [[nodiscard]] std::optional<Hash> find(const Identity& identity) const;
    [[nodiscard]] std::size_t size() const { return m_records.size(); }

    // Replaces `file`, mode 0600. Nothing may be found in it after that. `now` is when the caches
    // of later commands must not be older than.
    void save(const Path& file, Time now);

  private:
    struct Record {
        Identity identity;
        Hash hash;
    };
    static bool before(const Record& left, const Record& right);
    std::vector<Record> m_records; // loaded ones are in the order of before()
};

} // namespace shipit::slug

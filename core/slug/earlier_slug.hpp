// The app's slug before the one that is being packed: what did not change is taken from it.
#pragma once

#include "core/slug/parts.hpp"
#include "core/slug/slug_file.hpp"

#include <cstddef>
#include <string>
#include <unordered_map>
#include <vector>

namespace shipit::slug {

// What a frame holds, told without its bytes: frames with the same key unpack to the same bytes.
// Every file that has content in it must have its hash in the list.
[[nodiscard]] Hash frame_key(const FileList& list, const std::vector<Part>& parts);

class EarlierSlug {
  public:
    // Throws Error (corrupt) if the file is no complete slug. Its frames are not read.
    explicit EarlierSlug(const Path& path);

    [[nodiscard]] const SlugFile& file() const { return m_file; }

    // Indices of the files of `list` which have the type, mode and size that they had then.
    [[nodiscard]] std::vector<std::size_t> alike(const FileList& list) const;
    // Gives every entry that did not change (files with a hash of zero did) the mtime that it had
    // then: headers that stay the same make frames that stay the same. The times of a fresh
    // checkout, which are all new, then change nothing; what did change has its new time, as web
    // servers need it (nginx makes ETags of mtime and size).
    void carry_times(FileList& list) const;

    // The frame with this key, or null.
    [[nodiscard]] const DataFrame* with_key(const Hash& key) const;
    // The frame that unpacks to bytes with this hash, or null.
    [[nodiscard]] const DataFrame* with_bytes(const Hash& hash) const;

  private:
    struct HashOfHash {
        std::size_t operator()(const Hash& hash) const { return hash.low; }
    };
    using Index = std::unordered_map<Hash, std::size_t, HashOfHash>; // into data_frames()
    [[nodiscard]] const DataFrame* found(const Index& index, const Hash& hash) const;

    SlugFile m_file;
    Index m_by_key;
    Index m_by_bytes;
};

} // namespace shipit::slug

// The slugs of an app: files ID.tar.zst in its releases folder, each written once and never
// changed.
#pragma once

#include "core/base/ids.hpp"
#include "core/base/progress.hpp"
#include "core/slug/file_list.hpp"
#include "core/sys/file.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace shipit::slug {

using sys::Path;

class Store {
  public:
    explicit Store(Path releases) : m_releases(std::move(releases)) {}

    [[nodiscard]] const Path& folder() const { return m_releases; }
    [[nodiscard]] Path path_of(const SlugId& id) const;
    [[nodiscard]] bool has(const SlugId& id) const;
    // In the order of their text.
    [[nodiscard]] std::vector<SlugId> ids() const;
    // Of the archive; throws Error if there is none.
    [[nodiscard]] std::uint64_t size_of(const SlugId& id) const;
    // Reads the whole archive.
    [[nodiscard]] std::string sha256_of(const SlugId& id, const Progress& progress = {}) const;
    // Reads the end of the archive only; throws Error (corrupt) if the list is not the id's.
    [[nodiscard]] FileList read_list(const SlugId& id) const;

    // Reads and unpacks everything, in memory: the archive's SHA-256 (not if `sha256` is empty),
    // every frame, every tar header, every file's hash, the list against the id. Throws Error
    // (corrupt) that names the slug and both hashes; Error (failed) if there is no such slug.
    void check(const SlugId& id, const std::string& sha256, const Progress& progress = {}) const;

    // False if there was none. Not durable: what a power cut brings back is pruned again.
    bool remove(const SlugId& id) const;
    // Removes what interrupted packing left here. Only while no other packing can be running.
    void tidy() const;

  private:
    Path m_releases;
};

// Reads the end of a slug wherever it is. Throws Error (corrupt).
[[nodiscard]] FileList read_list(const Path& slug);

} // namespace shipit::slug

// What a slug contains, entry by entry. Its text is what a slug's id is the hash of; the format is
// in shipit-slug(5).
#pragma once

#include "core/base/ids.hpp"
#include "core/slug/digest.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace shipit::slug {

enum class Type : char { file = 'f', folder = 'd', symlink = 'l', hard_link = 'h' };

struct Entry {
    Type type = Type::file;
    unsigned mode = 0;      // the nine permission bits; a hard link has its file's, a symlink none
    std::int64_t mtime = 0; // seconds since 1970; no part of the list's text, so not of the id
    std::uint64_t size = 0; // files
    Hash hash = {};         // files: of the content
    std::string path;       // relative, without "." or ".." or a slash at either end
    std::string target; // symlinks: verbatim; hard links: the path of the file, earlier in the list

    // Equal in what the id says, whatever the mtimes.
    [[nodiscard]] bool same_content(const Entry& other) const;
};

// Depth first, the names of each folder in byte order: '/' counts as lower than any other byte.
[[nodiscard]] bool path_before(std::string_view left, std::string_view right);

struct FileList {
    std::vector<Entry> entries; // in the order of path_before, no path twice

    [[nodiscard]] std::string text() const;
    [[nodiscard]] SlugId id() const;
    // The entry with this path, or null.
    [[nodiscard]] const Entry* find(std::string_view path) const;
    [[nodiscard]] std::uint64_t files() const;    // files and hard links
    [[nodiscard]] std::uint64_t unpacked() const; // bytes in files

    // Reads a list as hostile: every path is relative and clean, in order, inside folders that are
    // listed before; hard links point at earlier files. Throws Error (corrupt) naming the line.
    [[nodiscard]] static FileList parse(std::string_view text);
};

// Goes along two lists in their common order: calls meet(left, right) for every path, with null for
// the list that lacks it.
void merge(const FileList& left, const FileList& right,
           const std::function<void(const Entry* left, const Entry* right)>& meet);

// The id of a list whose text is at hand already.
[[nodiscard]] SlugId id_of_text(std::string_view text);

// Where an entry's parts lie in the unpacked stream (a GNU tar), one after the other without gaps.
struct Extent {
    std::uint64_t header = 0; // begin of the tar header (of the long name's, if there is one)
    std::uint64_t data = 0;   // begin of the content; end of the header
    std::uint64_t end = 0;    // end of the content with its padding; begin of the next header
};

// One per entry; throws Error (corrupt) if sizes overflow.
[[nodiscard]] std::vector<Extent> extents_of(const FileList& list);

// What a path may be: why it may not, or nothing.
[[nodiscard]] const char* path_fault(std::string_view path);

} // namespace shipit::slug

// What the bytes of a frame are: pieces of headers, contents and paddings of entries.
#pragma once

#include "core/slug/crew.hpp"
#include "core/slug/file_list.hpp"
#include "core/slug/frame_plan.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

namespace shipit::slug {

struct Part {
    enum class Kind { header, data, padding } kind;
    std::size_t entry; // index in the list; past it for the two blocks that end the tar (padding)
    std::uint64_t offset; // in the header, the content or the padding
    std::size_t at;       // in the frame
    std::size_t size;     // never 0
};

// The parts of a span of the unpacked stream, in order, covering it.
[[nodiscard]] std::vector<Part> parts_in(const FileList& list, const std::vector<Extent>& extents,
                                         Span span);

// Hashes contents whose pieces several workers have at hand, in the order of the pieces.
class ContentHashes {
  public:
    ContentHashes(const FileList& list, Crew& crew) : m_list(list), m_crew(crew) {}

    // Adds a piece, waiting for those before it; gives the hash of the whole with the last one.
    [[nodiscard]] std::optional<Hash> add(std::size_t entry, std::uint64_t offset,
                                          std::string_view piece);

  private:
    struct Running {
        Hasher hasher;
        std::uint64_t size = 0;
    };
    const FileList& m_list;
    Crew& m_crew;
    std::map<std::size_t, Running> m_running; // under the crew's lock
};

} // namespace shipit::slug

// A file to which others append lines, read as it grows.
#pragma once

#include "core/sys/fd.hpp"
#include "core/sys/file.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace shipit::sys {

class GrowingFile {
  public:
    // Nothing if there is no such file; follows no symlink, waits for nobody. Throws Error for what
    // is no regular file or cannot be opened.
    [[nodiscard]] static std::optional<GrowingFile> open(Path path);

    // Each line, without its newline, that has become whole since the last call: half a line waits
    // for its rest. Of a line without end, its first MiB. A file that has become shorter is read
    // from its beginning.
    void read_lines(const std::function<void(std::string_view)>& take);

    // Goes to the end, and gives what is before it: whole lines only, at least `count` of them if
    // the file has as many. Reads no more than it takes.
    [[nodiscard]] std::string last_lines(std::size_t count);

    // Whether both are the same file, whatever its name.
    [[nodiscard]] bool is_same_as(const GrowingFile& other) const;

  private:
    GrowingFile(Path path, Fd fd) : m_path(std::move(path)), m_fd(std::move(fd)) {}
    [[nodiscard]] std::uint64_t size() const;
    // `most` bytes at `offset`; fewer if the file ends before.
    [[nodiscard]] std::string read_at(std::uint64_t offset, std::size_t most) const;
    void add(std::string_view piece);

    Path m_path;
    Fd m_fd;
    std::uint64_t m_offset = 0;
    std::string m_unfinished;
};

} // namespace shipit::sys

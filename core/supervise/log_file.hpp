// Where the app's output is kept: one log per app, cut into files of limited size.
//
//   2026-11-22T22:39:49.123Z v12 web.1 TEXT
//
// One record a line; TEXT is what the process wrote, any bytes but a newline. A line longer than
// longest_log_line is cut into several records, of which all but the last end in "…".
// app.log is the newest file, app.log.1 the one before it, and so on.
#pragma once

#include "core/base/ids.hpp"
#include "core/base/text.hpp"
#include "core/sys/fd.hpp"
#include "core/sys/file.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace shipit::supervise {

using sys::Path;

constexpr std::size_t longest_log_line = 8192;
constexpr std::string_view log_line_goes_on = "…";

struct Rotation {
    std::uint64_t size = 10 << 20; // of each file
    unsigned files = 5;            // with the newest
};

class LogFile {
  public:
    // The file is made when first written to; `path` is its newest part.
    LogFile(Path path, Rotation rotation) : m_path(std::move(path)), m_rotation(rotation) {}

    // Appends whole lines. Never throws: where the disk is full, lines are lost, counted, and told
    // about by a line of their own once there is room. A file that was removed is made again.
    void append(std::string_view lines) noexcept;

  private:
    void append_or_throw(std::string_view lines);
    void open();
    void rotate();
    void tell_losses();
    void write_whole(std::string_view lines); // or nothing of it, and throws

    Path m_path;
    Rotation m_rotation;
    sys::Fd m_fd;
    std::uint64_t m_size = 0;
    std::uint64_t m_lost = 0;
};

// How a record's line begins, up to its text.
[[nodiscard]] std::string log_prefix(WallTime time, ReleaseNumber release,
                                     std::string_view process);
// One record's line, with its newline.
[[nodiscard]] std::string log_line(WallTime time, ReleaseNumber release, std::string_view process,
                                   std::string_view text);

// The name of the n-th file before the newest, which is 0.
[[nodiscard]] Path rotated_name(const Path& newest, unsigned n);

} // namespace shipit::supervise

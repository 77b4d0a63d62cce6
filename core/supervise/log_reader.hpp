// Reading the app's log: its last records, and those that come.
#pragma once

#include "core/supervise/log_file.hpp"
#include "core/sys/folder_watch.hpp"
#include "core/sys/growing_file.hpp"

#include <chrono>
#include <deque>
#include <functional>
#include <optional>
#include <vector>

namespace shipit::supervise {

struct LogRecord {
    WallTime time;
    std::optional<ReleaseNumber> release; // none: of the supervisor itself
    std::string process;                  // "web.1"
    std::string text;                     // any bytes but a newline: not fit for a terminal

    // Nothing for a line that is no record.
    [[nodiscard]] static std::optional<LogRecord> parse(std::string_view line);
};

struct LogFilter {
    std::string process; // "web.1", or "web" for all of that type; empty: all
    std::optional<ReleaseNumber> release;

    [[nodiscard]] bool takes(const LogRecord& record) const;
};

class LogReader {
  public:
    // `newest` is the log's newest file (ROOT/APP/log/app.log); none of its files needs to exist.
    LogReader(Path newest, LogFilter filter);

    // The last `count` records that the filter takes, oldest first, across the rotated files. What
    // comes after them is more()'s.
    [[nodiscard]] std::vector<LogRecord> last(std::size_t count);

    // What was written since last() or more(), through rotations; waits up to `patience` for the
    // first of it. Nothing if nothing came.
    [[nodiscard]] std::vector<LogRecord> more(std::chrono::milliseconds patience);

  private:
    using Take = std::function<void(LogRecord)>;

    [[nodiscard]] std::optional<sys::GrowingFile> opened(unsigned n) const;
    void read_to_end(sys::GrowingFile& file, const Take& take) const;
    void read_new(const Take& take);
    void watch();

    Path m_newest;
    LogFilter m_filter;
    std::optional<sys::GrowingFile> m_file; // the newest one that was seen
    std::optional<sys::FolderWatch> m_watch;
};

} // namespace shipit::supervise

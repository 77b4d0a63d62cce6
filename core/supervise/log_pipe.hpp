// From one process's stdout and stderr into the log: a named pipe that outlives the supervisor.
//
// The child holds the FIFO open for reading and writing, so that it does not die of SIGPIPE when
// the supervisor is gone, and the next supervisor reads what was written meanwhile. Memory is
// bounded: a chunk is read, cut into lines and written before the next; a faster writer waits.
#pragma once

#include "core/supervise/bequest.hpp"
#include "core/supervise/log_file.hpp"
#include "core/supervise/loop.hpp"
#include "core/sys/account.hpp"

#include <deque>
#include <optional>

namespace shipit::supervise {

class LogPipe {
  public:
    struct Source {
        ReleaseNumber release;
        std::string process;
    };

    // Makes the FIFO, or takes the one that is there (its content is kept), or that is `held`. It
    // belongs to `user`, so that programs can open /dev/stdout.
    LogPipe(Loop& loop, Path fifo, Source source, const std::optional<sys::Account>& user,
            LogFile& log, sys::Fd held = {});
    LogPipe(const LogPipe&) = delete;
    LogPipe& operator=(const LogPipe&) = delete;

    // What the child gets as its stdout and stderr: blocking, for reading and writing.
    [[nodiscard]] sys::Fd writer() const;
    // Reads what is there now, and ends an unfinished line: the process has ended.
    void drain();
    // The newest lines, oldest first.
    [[nodiscard]] const std::deque<std::string>& tail() const { return m_tail; }
    // What comes from now on is another release's.
    void relabel(ReleaseNumber release) { m_source.release = release; }
    // A line of the supervisor's own about this process.
    void note(const std::string& text);
    // Removes the FIFO's name, unless another one has come to it.
    void remove();
    // What was read and not yet written down, for the program that takes our place.
    [[nodiscard]] Json memory(Bequest& bequest) const;
    void recall(const Json& memory);

  private:
    void make(const std::optional<sys::Account>& user);
    void listen();
    bool read_chunk(); // false if nothing was there
    void take(std::string_view chunk);
    void end_line(std::string_view mark);

    Path m_path;
    Source m_source;
    LogFile& m_log;
    sys::Fd m_fd;
    Loop::Watch m_watch;
    std::string m_line;    // the unfinished one
    std::string m_prefix;  // of records of the chunk at hand, which are of one moment
    std::string m_records; // of the chunk at hand
    std::deque<std::string> m_tail;
};

} // namespace shipit::supervise

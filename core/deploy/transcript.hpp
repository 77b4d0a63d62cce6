// vN.log: what happened while a release was made live, line by line with the time: the steps, the
// release command's output, why it failed, with which status the command ended. Shown by `shipit
// output vN`, and followed by `shipit output -f` for as long as somebody writes it.
#pragma once

#include "core/base/error.hpp"
#include "core/sys/file.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace shipit::deploy {

class Transcript {
  public:
    // Opens (mode 0600: a release command may print anything) and appends. Throws if it cannot.
    explicit Transcript(const sys::Path& file);
    ~Transcript(); // free before it is closed, which is what a follower is told of
    Transcript(const Transcript&) = delete;
    Transcript& operator=(const Transcript&) = delete;

    // One line for each line of `text`; a full disk is no reason to stop a deploy, so failures are
    // kept for `flush`.
    void add(std::string_view text) noexcept;
    // Durable when it returns; throws the first failure.
    void flush();

    // How many bytes add() has written.
    [[nodiscard]] std::uint64_t written() const { return m_written; }

    // From now on it counts as being written, until this is gone: a follower waits for more.
    void hold() noexcept;
    // The last line: how the command that wrote it ended.
    void end(int exit_status, const std::string& how) noexcept;

    // Whether somebody writes it, who may yet add to it.
    [[nodiscard]] static bool is_being_written(const sys::Path& file);
    // What end() wrote, read off such a line; nothing for any other line.
    [[nodiscard]] static std::optional<int> exit_status_in(std::string_view line);

  private:
    sys::Path m_file;
    sys::Fd m_fd;
    std::uint64_t m_written = 0;
    int m_error = 0;
};

// What one command prints, in a transcript: its beginning and its end, and how much is left out
// between them. A tool that asks a question again and again, at full speed, fills no disk.
class CommandOutput {
  public:
    struct Limits {
        std::uint64_t first = 16 << 20; // bytes of the transcript
        std::size_t last = 64 << 10;
    };

    explicit CommandOutput(Transcript& transcript) : CommandOutput(transcript, Limits{}) {}
    CommandOutput(Transcript& transcript, Limits limits)
        : m_transcript(transcript), m_limits(limits),
          m_full_at(transcript.written() + limits.first) {}
    ~CommandOutput(); // adds what is kept of the end
    CommandOutput(const CommandOutput&) = delete;
    CommandOutput& operator=(const CommandOutput&) = delete;

    // In whole lines, or parts of long ones.
    void add(std::string_view text) noexcept;

  private:
    void cut_to_last();

    Transcript& m_transcript;
    Limits m_limits;
    std::uint64_t m_full_at;
    std::string m_last;
    std::uint64_t m_left_out = 0;
};

} // namespace shipit::deploy

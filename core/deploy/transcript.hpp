// vN.log: what happened while a release was made live, line by line with the time: the steps, the
// release command's output, why it failed, with which status the command ended. Shown by `shipit
// output vN`, and followed by `shipit output -f` for as long as somebody writes it.
#pragma once

#include "core/base/error.hpp"
#include "core/sys/file.hpp"

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
    int m_error = 0;
};

} // namespace shipit::deploy

// vN.log: what happened while a release was made live, line by line with the time: the steps, the
// release command's output, why it failed. Shown by `shipit output vN`.
#pragma once

#include "core/sys/file.hpp"

#include <string>
#include <string_view>

namespace shipit::deploy {

class Transcript {
  public:
    // Opens (mode 0600: a release command may print anything) and appends. Throws if it cannot.
    explicit Transcript(const sys::Path& file);

    // One line for each line of `text`; a full disk is no reason to stop a deploy, so failures are
    // kept for `flush`.
    void add(std::string_view text) noexcept;
    // Durable when it returns; throws the first failure.
    void flush();

  private:
    sys::Path m_file;
    sys::Fd m_fd;
    int m_error = 0;
};

} // namespace shipit::deploy

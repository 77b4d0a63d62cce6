// Waiting for something to change in a folder, without asking again and again: inotify(7).
#pragma once

#include "core/sys/fd.hpp"
#include "core/sys/file.hpp"

#include <chrono>
#include <optional>

namespace shipit::sys {

class FolderWatch {
  public:
    // From now on no change is missed. Throws Error if `folder` cannot be watched.
    explicit FolderWatch(const Path& folder);

    // Until a file in the folder is written to, closed by who wrote it, made, renamed or removed,
    // or something happens to the folder itself; also after `patience`, and on a signal. Without
    // patience it may take for ever, unless nobody reads what is written to `output` (a pipe or a
    // terminal) any more: given false then. What changed is not told: look anew.
    bool wait(std::optional<std::chrono::milliseconds> patience, int output = -1);

    // The folder was removed or has another name now.
    [[nodiscard]] bool is_gone() const { return m_is_gone; }

  private:
    void take_events();

    Fd m_inotify;
    bool m_is_gone = false;
};

} // namespace shipit::sys

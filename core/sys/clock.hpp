// The two clocks: wall time for records, monotonic time for waiting.
#pragma once

#include "core/base/text.hpp"

#include <chrono>

namespace shipit::sys {

[[nodiscard]] WallTime now();

[[nodiscard]] std::chrono::milliseconds time_since(std::chrono::steady_clock::time_point begun);

// A point in monotonic time after which to stop waiting.
class Deadline {
  public:
    explicit Deadline(std::chrono::milliseconds from_now);
    [[nodiscard]] bool passed() const;
    // Never negative; rounded up, so that a poll(2) with it does not wake too early.
    [[nodiscard]] std::chrono::milliseconds left() const;

  private:
    std::chrono::steady_clock::time_point m_end;
};

} // namespace shipit::sys

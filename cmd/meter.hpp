// The line at the bottom of a terminal that tells how far a phase is.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

namespace shipit::cmd {

// "  1.2 GB of 4.8 GB (25 %), 240 MB/s, 15 s left"; without a total (0) only what is known then.
[[nodiscard]] std::string meter_line(std::uint64_t done, std::uint64_t total,
                                     std::chrono::milliseconds elapsed);

// Draws on stderr, at most ten times a second, and not for phases that are over in no time. Called
// from the slug engine's threads too.
class Meter {
  public:
    void begin();
    void draw(std::uint64_t done, std::uint64_t total);
    void clear();

  private:
    using Clock = std::chrono::steady_clock;
    std::mutex m_mutex;
    Clock::time_point m_begun = Clock::now();
    Clock::time_point m_drawn = m_begun;
    bool m_shown = false;
};

} // namespace shipit::cmd

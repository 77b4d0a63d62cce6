// What is said beside a command's result. Whoever reads it may have fallen asleep (a stopped ssh, a
// closed laptop): the command goes on all the same, and with it the lock that others wait for.
#pragma once

#include <chrono>
#include <string_view>

namespace shipit::cmd {

class SideOutput {
  public:
    // `fd` stays the caller's. A reader who has taken nothing for as long as `patience` misses what
    // is written until he reads again, and is told so.
    SideOutput(int fd, std::chrono::milliseconds patience) : m_fd(fd), m_patience(patience) {}

    // Never throws: there is nobody to tell. Does not wait for the same reader twice.
    void write(std::string_view text);

    [[nodiscard]] static SideOutput& of_this_process(); // stderr

  private:
    [[nodiscard]] bool is_taken(std::chrono::milliseconds patience) const;
    [[nodiscard]] bool write_whole(std::string_view text, std::chrono::milliseconds patience);

    int m_fd;
    std::chrono::milliseconds m_patience;
    bool m_is_asleep = false;
};

} // namespace shipit::cmd

// What a supervisor leaves to the program that takes its place in the same process (execve(2),
// after an upgrade): its memory as JSON in a file that has no name, since there are config vars in
// it, and its descriptors by their numbers.
#pragma once

#include "core/base/json.hpp"
#include "core/sys/fd.hpp"

#include <chrono>
#include <vector>

namespace shipit::supervise {

class Bequest {
  public:
    // The descriptor will be open under the same number; gives what the heir's inherited() takes.
    [[nodiscard]] Json pass(int fd);
    // Around execve(2): from now on they survive it, or, where it failed, do not any more.
    void survive_exec(bool survive) const noexcept;

  private:
    std::vector<int> m_fds;
};

// A descriptor that was passed, closed on exec again; none for null. Throws Error if it is not
// open.
[[nodiscard]] sys::Fd inherited(const Json& number);

// A file without a name that holds the memory. Throws Error.
[[nodiscard]] sys::Fd written_memory(const Json& memory);
// What is in such a file, from its beginning. Throws Error.
[[nodiscard]] Json read_memory(int fd);

// For bytes that are not text.
[[nodiscard]] std::string hex_of(std::string_view bytes);
[[nodiscard]] std::string bytes_of_hex(std::string_view hex);

// The clock goes on through execve(2).
using TimePoint = std::chrono::steady_clock::time_point;
[[nodiscard]] Json time_to_json(TimePoint time);
[[nodiscard]] TimePoint time_from_json(const Json& json);

} // namespace shipit::supervise

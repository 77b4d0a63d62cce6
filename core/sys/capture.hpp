// Asking another program: runs it without a shell and without a terminal, and gives what it says.
// For short questions (git); apps are run by the room `supervise`.
#pragma once

#include "core/sys/clock.hpp"
#include "core/sys/fd.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

namespace shipit::sys {

struct Question {
    std::string program;                  // absolute path
    std::vector<std::string> arguments;   // without argv[0]
    std::vector<std::string> environment; // "NAME=value", all that the program gets
    // The user and the group to become first, for root; supplementary groups are dropped.
    std::optional<std::pair<uid_t, gid_t>> become;
};

// Where programs are looked for: root's own places, whatever its PATH says, or PATH.
[[nodiscard]] std::string search_path();
// The absolute path of a program there; nothing if there is none.
[[nodiscard]] std::optional<std::string> find_program(const std::string& name);

// The program at work, while what it writes is read from output(). It and its children of its
// process group are gone when this is.
class Answering {
  public:
    explicit Answering(const Question& question);
    Answering(const Answering&) = delete;
    Answering& operator=(const Answering&) = delete;
    ~Answering();

    // Its stdout; none where it could not be started.
    [[nodiscard]] int output() const { return m_output.get(); }
    [[nodiscard]] std::optional<std::string> answer(const Deadline& deadline, std::size_t limit);

  private:
    bool has_ended_in_time(const Deadline& deadline);
    bool has_ended_well();

    Fd m_output;
    pid_t m_pid = -1;
};

// The program's stdout, once it has ended or written `limit` bytes (it is killed then); its stdin
// and stderr are /dev/null. Nothing if it cannot be run, fails, or is not done by the deadline.
// Whatever happens, it and its children of its process group are gone on return.
[[nodiscard]] std::optional<std::string> answer_to(const Question& question,
                                                   const Deadline& deadline, std::size_t limit);

} // namespace shipit::sys

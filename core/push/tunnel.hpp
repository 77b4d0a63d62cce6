// The program that carries a push to its host: ssh(1), run as the user would, with the user's
// configuration, keys and agents, and with the terminal for what it asks and says.
#pragma once

#include "core/sys/fd.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace shipit::push {

// A command line that is split at blanks; quotes mean nothing special.
[[nodiscard]] std::vector<std::string> words_of(std::string_view command);

class Tunnel {
  public:
    // Starts it, found by PATH. Throws Error.
    explicit Tunnel(std::vector<std::string> command);
    Tunnel(const Tunnel&) = delete;
    Tunnel& operator=(const Tunnel&) = delete;
    ~Tunnel(); // ends it

    [[nodiscard]] int from() const { return m_from.get(); }
    [[nodiscard]] int to() const { return m_to.get(); }

    // Says that nothing more will be sent, and waits for its end: its exit status, or 128 and the
    // signal.
    int finish();

  private:
    std::string m_program;
    sys::Fd m_from;
    sys::Fd m_to;
    pid_t m_pid = -1;
};

} // namespace shipit::push

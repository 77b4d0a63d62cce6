// ^C and SIGTERM, asked for where stopping is clean instead of ending the process anywhere.
#pragma once

#include "core/base/error.hpp"

#include <chrono>

namespace shipit::sys {

// Thrown where a signal was seen; the exit status is 128 + signal.
class Interrupted : public Error {
  public:
    explicit Interrupted(int signal);
    [[nodiscard]] int signal() const { return m_signal; }

  private:
    int m_signal;
};

// From now on the first SIGINT or SIGTERM is only remembered; a second one ends the process at
// once, unless it comes together with the first: that is the same, to our group as well. SIGHUP is
// ignored: a lost connection does not stop what has begun.
void defer_signals();
// Throws Interrupted if one was remembered. Waits of more than a moment ask again and again.
void stop_if_interrupted();
// Until there is something to read, or its end. Throws Interrupted for a signal that comes
// meanwhile, or came before: there is no moment at which one would be missed.
void wait_for_input(int fd);
// So long, likewise.
void wait_for_time(std::chrono::milliseconds time);

// While one of these lives, stop_if_interrupted() does not throw: for what must be brought to its
// end, like going back from a release that fails. A second signal ends the process all the same.
class Uninterrupted {
  public:
    Uninterrupted();
    ~Uninterrupted();
    Uninterrupted(const Uninterrupted&) = delete;
    Uninterrupted& operator=(const Uninterrupted&) = delete;
};

} // namespace shipit::sys

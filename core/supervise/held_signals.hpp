// Signals that wait in the kernel until the loop takes them (signalfd(2)), however late it is: one
// that nobody has taken yet is there for the program that takes this one's place (execve(2)), and
// for us where that fails.
#pragma once

#include "core/supervise/loop.hpp"
#include "core/sys/fd.hpp"

#include <functional>
#include <vector>

namespace shipit::supervise {

class HeldSignals {
  public:
    // From now on they are blocked for good. Calls back for each that came, until destroyed; those
    // of one kind that come before they are taken are one. Throws Error for want of descriptors.
    HeldSignals(Loop& loop, const std::vector<int>& signals,
                std::function<void(int signal)> on_signal);

  private:
    void listen();

    std::function<void(int)> m_on_signal;
    sys::Fd m_fd;
    Loop::Watch m_watch;
};

} // namespace shipit::supervise

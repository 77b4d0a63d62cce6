// The service manager that started this supervisor (systemd(1), Type=notify) is told how it is: by
// datagrams, as sd_notify(3) has it. Where nobody started it so, nothing is said, and no timer
// runs.
#pragma once

#include "core/supervise/loop.hpp"
#include "core/sys/fd.hpp"

#include <string>
#include <string_view>

namespace shipit::supervise {

class ServiceManager {
  public:
    // By NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. They stay in our environment, for the
    // program that may take our place. It is told that we are alive for as long as the loop turns.
    explicit ServiceManager(Loop& loop);

    void ready() const noexcept { say("READY=1"); }
    // One line for people (`systemctl status`).
    void status(const std::string& text);
    // It is not to lose its patience before that time has passed, whatever the unit says.
    void stopping(milliseconds at_most) const;

  private:
    void say(std::string_view what) const noexcept;
    void keep_alive();

    Loop& m_loop;
    std::string m_address; // empty: nobody is there
    sys::Fd m_fd;          // kept: there may be none left when a sign of life is due
    milliseconds m_pause{0};
    std::string m_status;
    Loop::Timer m_alive;
};

} // namespace shipit::supervise

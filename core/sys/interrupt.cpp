#include "core/sys/interrupt.hpp"

#include "core/sys/clock.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>

#include <fmt/core.h>
#include <poll.h>

namespace shipit::sys {

namespace {

volatile std::sig_atomic_t remembered = 0;
int uninterrupted = 0; // how many of them live

void remember(int signal) {
    remembered = signal;
}

void on_signal(int signal, void (*handler)(int), int flags) {
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = flags;
    (void)::sigaction(signal, &action, nullptr); // cannot fail for these signals
}

// Signals that come meanwhile wait, but for where they are let in.
class Blocked {
  public:
    Blocked() {
        sigset_t asked;
        (void)::sigemptyset(&asked);
        (void)::sigaddset(&asked, SIGINT);
        (void)::sigaddset(&asked, SIGTERM);
        (void)::pthread_sigmask(SIG_BLOCK, &asked, &m_before);
    }
    ~Blocked() { (void)::pthread_sigmask(SIG_SETMASK, &m_before, nullptr); }
    Blocked(const Blocked&) = delete;
    Blocked& operator=(const Blocked&) = delete;
    [[nodiscard]] const sigset_t& before() const { return m_before; }

  private:
    sigset_t m_before{};
};

} // namespace

Interrupted::Interrupted(int signal)
    : Error(signal == SIGINT ? "interrupted"
                             : fmt::format("asked to end (SIG{})", ::sigabbrev_np(signal))),
      m_signal(signal) {}

void defer_signals() {
    // SA_RESETHAND: the second signal finds the default action. No SA_RESTART: waits return.
    on_signal(SIGINT, remember, static_cast<int>(SA_RESETHAND));
    on_signal(SIGTERM, remember, static_cast<int>(SA_RESETHAND));
    on_signal(SIGHUP, SIG_IGN, 0);
}

void stop_if_interrupted() {
    if (remembered != 0 && uninterrupted == 0)
        throw Interrupted(remembered);
}

void wait_for_input(int fd) {
    const Blocked blocked;
    for (;;) {
        stop_if_interrupted();
        pollfd input{fd, POLLIN, 0};
        if (::ppoll(&input, 1, nullptr, &blocked.before()) >= 0)
            return;
        if (errno != EINTR)
            throw_errno("cannot wait for input");
    }
}

void wait_for_time(std::chrono::milliseconds time) {
    constexpr long ms_in_second = 1000;
    constexpr long ns_in_ms = 1'000'000;
    const Blocked blocked;
    const Deadline deadline(time);
    while (!deadline.passed()) {
        stop_if_interrupted();
        const long left = deadline.left().count();
        const timespec rest{left / ms_in_second, left % ms_in_second * ns_in_ms};
        (void)::ppoll(nullptr, 0, &rest, &blocked.before());
    }
    stop_if_interrupted();
}

Uninterrupted::Uninterrupted() {
    ++uninterrupted;
}

Uninterrupted::~Uninterrupted() {
    --uninterrupted;
}

} // namespace shipit::sys

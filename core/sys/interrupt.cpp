#include "core/sys/interrupt.hpp"

#include "core/sys/clock.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <ctime>

#include <fmt/core.h>
#include <poll.h>

namespace shipit::sys {

namespace {

volatile std::sig_atomic_t remembered = 0;
int uninterrupted = 0; // how many of them live

std::atomic<std::int64_t> first_at = 0; // in ms, by the monotonic clock; 0: none has come
static_assert(std::atomic<std::int64_t>::is_always_lock_free);

void on_signal(int signal, void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;                 // no SA_RESTART: waits return
    (void)::sigaction(signal, &action, nullptr); // cannot fail for these signals
}

// What sends one to us and then to our group, as timeout(1) does, means it once; a person's second
// ^C comes later. Only async-signal-safe calls.
void remember(int signal) {
    constexpr std::int64_t same_for = 300;
    constexpr std::int64_t ms_in_second = 1000;
    constexpr std::int64_t ns_in_ms = 1'000'000;
    timespec time{};
    (void)::clock_gettime(CLOCK_MONOTONIC, &time);
    const std::int64_t now = time.tv_sec * ms_in_second + time.tv_nsec / ns_in_ms;
    std::int64_t first = 0;
    if (first_at.compare_exchange_strong(first, now)) {
        remembered = signal;
    } else if (now - first >= same_for) {
        on_signal(signal, SIG_DFL);
        (void)::raise(signal); // taken when this returns
    }
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
    on_signal(SIGINT, remember);
    on_signal(SIGTERM, remember);
    on_signal(SIGHUP, SIG_IGN);
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

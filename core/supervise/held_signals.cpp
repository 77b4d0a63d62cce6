#include "core/supervise/held_signals.hpp"

#include "core/base/error.hpp"

#include <csignal>
#include <utility>

#include <sys/signalfd.h>
#include <unistd.h>

namespace shipit::supervise {

HeldSignals::HeldSignals(Loop& loop, const std::vector<int>& signals,
                         std::function<void(int)> on_signal)
    : m_on_signal(std::move(on_signal)) {
    sigset_t set;
    (void)::sigemptyset(&set);
    for (const int signal : signals)
        (void)::sigaddset(&set, signal);
    m_fd.reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!m_fd)
        throw_errno("cannot wait for signals");
    m_watch = loop.watch(m_fd.get());
    listen();
    (void)::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

void HeldSignals::listen() {
    m_watch.when_readable([this] {
        listen(); // at once: what is called may throw
        signalfd_siginfo taken{};
        while (::read(m_fd.get(), &taken, sizeof taken) == sizeof taken)
            m_on_signal(static_cast<int>(taken.ssi_signo));
    });
}

} // namespace shipit::supervise

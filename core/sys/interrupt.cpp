#include "core/sys/interrupt.hpp"

#include <csignal>

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

} // namespace

Interrupted::Interrupted(int signal)
    : Error(signal == SIGINT ? "interrupted" : "asked to end (SIGTERM)"), m_signal(signal) {}

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

Uninterrupted::Uninterrupted() {
    ++uninterrupted;
}

Uninterrupted::~Uninterrupted() {
    --uninterrupted;
}

} // namespace shipit::sys

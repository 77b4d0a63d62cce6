// Processes that have nearly all the descriptors that they may have.
#pragma once

#include "core/sys/fd.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace shipit::tests {

// While it lives, so many more can be had.
class FewDescriptors {
  public:
    explicit FewDescriptors(int left) {
        (void)::getrlimit(RLIMIT_NOFILE, &m_before);
        const sys::Fd next(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0));
        const rlimit few{static_cast<rlim_t>(next.get() + left), m_before.rlim_max};
        (void)::setrlimit(RLIMIT_NOFILE, &few);
    }
    ~FewDescriptors() { (void)::setrlimit(RLIMIT_NOFILE, &m_before); }
    FewDescriptors(const FewDescriptors&) = delete;
    FewDescriptors& operator=(const FewDescriptors&) = delete;

  private:
    rlimit m_before{};
};

// While it lives, another process can have no more at all.
class NoDescriptorsFor {
  public:
    explicit NoDescriptorsFor(pid_t pid) : m_pid(pid) {
        rlimit few{};
        (void)::prlimit(m_pid, RLIMIT_NOFILE, nullptr, &m_before);
        few = m_before;
        few.rlim_cur = STDERR_FILENO + 1;
        (void)::prlimit(m_pid, RLIMIT_NOFILE, &few, nullptr);
    }
    ~NoDescriptorsFor() { (void)::prlimit(m_pid, RLIMIT_NOFILE, &m_before, nullptr); }
    NoDescriptorsFor(const NoDescriptorsFor&) = delete;
    NoDescriptorsFor& operator=(const NoDescriptorsFor&) = delete;

  private:
    pid_t m_pid;
    rlimit m_before{};
};

} // namespace shipit::tests

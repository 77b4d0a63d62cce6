#include "core/slug/crew.hpp"

#include <algorithm>
#include <system_error>
#include <thread>
#include <vector>

#include <sched.h>

namespace shipit::slug {

namespace {

// Thrown into jobs that wait when another one has failed; never leaves the crew.
struct Stopped {};

} // namespace

unsigned cores() {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (::sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    return std::clamp(static_cast<unsigned>(CPU_COUNT(&set)), 1U, 16U);
}

void Crew::run(std::size_t jobs, const std::function<void(unsigned, std::size_t)>& work) {
    m_next = 0;
    m_stopped = false;
    m_failure = nullptr;
    std::vector<std::thread> threads;
    try {
        for (unsigned i = 1; i < std::min<std::size_t>(m_workers, jobs); i++)
            threads.emplace_back([this, i, jobs, &work] { work_off(i, jobs, work); });
    } catch (const std::system_error&) {
        // No more threads to be had (RLIMIT_NPROC): fewer do the work too.
    }
    work_off(0, jobs, work);
    for (auto& thread : threads)
        thread.join();
    if (m_failure)
        std::rethrow_exception(m_failure);
}

void Crew::work_off(unsigned worker, std::size_t jobs,
                    const std::function<void(unsigned, std::size_t)>& work) {
    try {
        for (;;) {
            std::size_t job = 0;
            {
                const std::lock_guard lock(m_mutex);
                if (m_stopped || m_next == jobs)
                    return;
                job = m_next++;
            }
            work(worker, job);
        }
    } catch (const Stopped&) {
        return;
    } catch (...) {
        fail();
    }
}

void Crew::fail() {
    const std::lock_guard lock(m_mutex);
    if (!m_failure)
        m_failure = std::current_exception();
    m_stopped = true;
    m_changed.notify_all();
}

void Crew::wait_until(const std::function<bool()>& ready) {
    std::unique_lock lock(m_mutex);
    m_changed.wait(lock, [&] { return m_stopped || ready(); });
    if (m_stopped)
        throw Stopped();
}

void Crew::change(const std::function<void()>& action) {
    const std::lock_guard lock(m_mutex);
    action();
    m_changed.notify_all();
}

} // namespace shipit::slug

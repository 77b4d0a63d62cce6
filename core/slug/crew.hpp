// Threads that do numbered jobs together, each job begun in order.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>

namespace shipit::slug {

// How many threads to use where nobody said: the cores this process may use, at most 16.
[[nodiscard]] unsigned cores();

class Crew {
  public:
    explicit Crew(unsigned workers) : m_workers(workers == 0 ? cores() : workers) {}

    [[nodiscard]] unsigned workers() const { return m_workers; }

    // Calls work(worker, job) for every job below `jobs`. The first failure stops the rest and is
    // thrown from here when all threads have ended.
    void run(std::size_t jobs, const std::function<void(unsigned worker, std::size_t job)>& work);

    // For jobs: waits until `ready`, which is asked under the crew's lock; only a job with a higher
    // number may wait for one with a lower number. Ends the job if another one failed.
    void wait_until(const std::function<bool()>& ready);
    // Runs `action` under the lock and wakes whoever waits.
    void change(const std::function<void()>& action);

  private:
    void work_off(unsigned worker, std::size_t jobs,
                  const std::function<void(unsigned, std::size_t)>& work);
    void fail();

    unsigned m_workers;
    std::mutex m_mutex;
    std::condition_variable m_changed;
    std::size_t m_next = 0;
    bool m_stopped = false;
    std::exception_ptr m_failure;
};

} // namespace shipit::slug

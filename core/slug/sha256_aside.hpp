// SHA-256 of bytes that come in pieces, computed by a thread of its own while its owner goes on.
#pragma once

#include "core/slug/digest.hpp"

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace shipit::slug {

class Sha256Aside {
  public:
    Sha256Aside();
    Sha256Aside(const Sha256Aside&) = delete;
    Sha256Aside& operator=(const Sha256Aside&) = delete;
    ~Sha256Aside();

    // Waits while too much of what came before is not hashed yet.
    void add(std::string bytes);
    // A string that was added and is not needed any more, with whatever is in it, or a new one:
    // pages that have been used before cost less than fresh ones.
    [[nodiscard]] std::string spare();
    // As Sha256::finish(); throws what went wrong in the thread.
    [[nodiscard]] std::string finish();

  private:
    void work();
    void end();

    Sha256 m_sha256;
    std::mutex m_mutex;
    std::condition_variable m_changed;
    std::deque<std::string> m_pending; // the first is being hashed
    std::size_t m_pending_bytes = 0;
    std::vector<std::string> m_spares;
    bool m_ended = false;
    std::exception_ptr m_failure;
    std::thread m_thread; // none where no thread was to be had
};

} // namespace shipit::slug

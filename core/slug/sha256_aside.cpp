#include "core/slug/sha256_aside.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

namespace shipit::slug {

namespace {

constexpr std::size_t most_pending = std::size_t{4} << 20;
constexpr std::size_t most_spares = 2;

} // namespace

Sha256Aside::Sha256Aside() {
    try {
        m_thread = std::thread([this] { work(); });
    } catch (const std::system_error&) {
        // No thread to be had (RLIMIT_NPROC): add() does the work.
    }
}

Sha256Aside::~Sha256Aside() {
    {
        const std::lock_guard lock(m_mutex);
        m_pending.resize(std::min<std::size_t>(m_pending.size(), 1));
    }
    end();
}

void Sha256Aside::add(std::string bytes) {
    if (!m_thread.joinable())
        return m_sha256.add(bytes);
    std::unique_lock lock(m_mutex);
    m_changed.wait(lock, [&] { return m_pending_bytes < most_pending; });
    m_pending_bytes += bytes.size();
    m_pending.push_back(std::move(bytes));
    m_changed.notify_all();
}

std::string Sha256Aside::spare() {
    const std::lock_guard lock(m_mutex);
    if (m_spares.empty())
        return {};
    std::string bytes = std::move(m_spares.back());
    m_spares.pop_back();
    return bytes;
}

void Sha256Aside::work() {
    std::unique_lock lock(m_mutex);
    for (;;) {
        m_changed.wait(lock, [&] { return m_ended || !m_pending.empty(); });
        if (m_pending.empty())
            return;
        const std::string& first = m_pending.front(); // which stays where it is
        lock.unlock();
        try {
            if (!m_failure)
                m_sha256.add(first);
        } catch (...) {
            m_failure = std::current_exception(); // read when this thread has ended
        }
        lock.lock();
        m_pending_bytes -= first.size();
        if (m_spares.size() < most_spares)
            m_spares.push_back(std::move(m_pending.front()));
        m_pending.pop_front();
        m_changed.notify_all();
    }
}

void Sha256Aside::end() {
    {
        const std::lock_guard lock(m_mutex);
        m_ended = true;
        m_changed.notify_all();
    }
    if (m_thread.joinable())
        m_thread.join();
}

std::string Sha256Aside::finish() {
    end();
    if (m_failure)
        std::rethrow_exception(m_failure);
    return m_sha256.finish();
}

} // namespace shipit::slug

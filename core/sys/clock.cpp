#include "core/sys/clock.hpp"

#include <algorithm>

namespace shipit::sys {

WallTime now() {
    return std::chrono::time_point_cast<std::chrono::milliseconds>(
        std::chrono::system_clock::now());
}

std::chrono::milliseconds time_since(std::chrono::steady_clock::time_point begun) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                                 begun);
}

Deadline::Deadline(std::chrono::milliseconds from_now)
    : m_end(std::chrono::steady_clock::now() + from_now) {}

bool Deadline::passed() const {
    return std::chrono::steady_clock::now() >= m_end;
}

std::chrono::milliseconds Deadline::left() const {
    const auto rest = m_end - std::chrono::steady_clock::now();
    return std::max(std::chrono::ceil<std::chrono::milliseconds>(rest),
                    std::chrono::milliseconds::zero());
}

} // namespace shipit::sys

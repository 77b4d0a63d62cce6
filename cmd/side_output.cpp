#include "cmd/side_output.hpp"

#include "core/sys/clock.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>

#include <poll.h>
#include <unistd.h>

namespace shipit::cmd {

SideOutput& SideOutput::of_this_process() {
    static SideOutput output(STDERR_FILENO, std::chrono::seconds(5));
    return output;
}

void SideOutput::write(std::string_view text) {
    constexpr std::chrono::milliseconds none{0};
    if (m_is_asleep) {
        if (!is_taken(none))
            return;
        m_is_asleep = !write_whole("[some output is missing here: nobody read it]\n", none);
    }
    if (!m_is_asleep)
        m_is_asleep = !write_whole(text, m_patience);
}

bool SideOutput::is_taken(std::chrono::milliseconds patience) const {
    const sys::Deadline deadline(patience);
    pollfd output{m_fd, POLLOUT, 0};
    int ready = 0;
    do {
        ready = ::poll(&output, 1, static_cast<int>(deadline.left().count()));
    } while (ready < 0 && errno == EINTR && !deadline.passed());
    return ready != 0; // an error shows when it is written to
}

// A pipe that poll(2) calls writable takes PIPE_BUF bytes without waiting, see pipe(7).
bool SideOutput::write_whole(std::string_view text, std::chrono::milliseconds patience) {
    while (!text.empty()) {
        if (!is_taken(patience))
            return false;
        const auto n = ::write(m_fd, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return true; // the reader has gone, and misses nothing
        text.remove_prefix(n < 0 ? 0 : static_cast<std::size_t>(n));
    }
    return true;
}

} // namespace shipit::cmd

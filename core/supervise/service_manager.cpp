#include "core/supervise/service_manager.hpp"

#include "core/base/text.hpp"

#include <charconv>
#include <cstdlib>
#include <cstring>

#include <fmt/core.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace shipit::supervise {

namespace {

constexpr char abstract_mark = '@'; // for the NUL byte with which such a name begins

std::string variable(const char* name) {
    const char* value = std::getenv(name); // NOLINT(concurrency-mt-unsafe): nothing sets variables
    return value != nullptr ? value : "";
}

// 0 for what is no number.
std::int64_t number(const std::string& text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() && value > 0 ? value : 0;
}

// None: nobody watches us, or somebody else is meant.
milliseconds pause_between_signs() {
    const std::string whose = variable("WATCHDOG_PID");
    if (!whose.empty() && number(whose) != ::getpid())
        return milliseconds(0);
    const std::chrono::microseconds time(number(variable("WATCHDOG_USEC")));
    return std::chrono::duration_cast<milliseconds>(time / 2); // as sd_watchdog_enabled(3) advises
}

std::string usable(std::string address) {
    const bool is_name = address.size() > 1 && address.size() < sizeof(sockaddr_un::sun_path) &&
                         (address.front() == '/' || address.front() == abstract_mark);
    return is_name ? std::move(address) : std::string();
}

} // namespace

ServiceManager::ServiceManager(Loop& loop)
    : m_loop(loop), m_address(usable(variable("NOTIFY_SOCKET"))) {
    if (m_address.empty())
        return;
    m_fd.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    m_pause = pause_between_signs();
    if (m_pause.count() > 0)
        keep_alive();
}

void ServiceManager::status(const std::string& text) {
    if (m_address.empty() || text == m_status)
        return;
    m_status = text;
    say("STATUS=" + printable(text));
}

void ServiceManager::stopping(milliseconds at_most) const {
    const std::chrono::microseconds time = at_most;
    say(fmt::format("STOPPING=1\nEXTEND_TIMEOUT_USEC={}", time.count()));
}

// Never waits: a manager that does not listen is no reason to stop supervising.
void ServiceManager::say(std::string_view what) const noexcept {
    if (m_address.empty())
        return;
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::memcpy(name.sun_path, m_address.data(), m_address.size());
    if (m_address.front() == abstract_mark)
        name.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + m_address.size());
    (void)::sendto(m_fd.get(), what.data(), what.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                   reinterpret_cast<const sockaddr*>(&name), size);
}

void ServiceManager::keep_alive() {
    m_alive = m_loop.after(m_pause, [this] {
        say("WATCHDOG=1");
        keep_alive();
    });
}

} // namespace shipit::supervise

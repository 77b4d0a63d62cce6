#include "cmd/meter.hpp"

#include "cmd/side_output.hpp"
#include "core/base/text.hpp"

#include <algorithm>

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace shipit::cmd {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds first_after(200);
constexpr milliseconds interval(100);
constexpr const char* clear_line = "\r\x1b[K";

std::string left_text(std::uint64_t seconds) {
    if (seconds < 60)
        return fmt::format("{} s", seconds);
    if (seconds < 3600)
        return fmt::format("{} min {} s", seconds / 60, seconds % 60);
    return fmt::format("{} h {} min", seconds / 3600, seconds / 60 % 60);
}

// A line that wraps would not be cleared.
std::size_t width_of_stderr() {
    winsize size{};
    constexpr std::size_t usual = 80;
    const bool is_known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
    return (is_known ? size.ws_col : usual) - 1;
}

void write_out(const std::string& text) {
    SideOutput::of_this_process().write(text);
}

} // namespace

std::string meter_line(std::uint64_t done, std::uint64_t total, milliseconds elapsed) {
    std::string line = "  " + size_text(done);
    if (total > 0)
        line += fmt::format(" of {} ({} %)", size_text(total),
                            static_cast<unsigned>(static_cast<double>(std::min(done, total)) /
                                                  static_cast<double>(total) * 100));
    if (elapsed.count() <= 0 || done == 0)
        return line;
    const double rate = static_cast<double>(done) / static_cast<double>(elapsed.count()) * 1000;
    line += fmt::format(", {}/s", size_text(static_cast<std::uint64_t>(rate)));
    if (total > done)
        line += fmt::format(", {} left", left_text(static_cast<std::uint64_t>(
                                             static_cast<double>(total - done) / rate)));
    return line;
}

void Meter::begin() {
    const std::lock_guard guard(m_mutex);
    m_begun = Clock::now();
    m_drawn = m_begun;
}

void Meter::draw(std::uint64_t done, std::uint64_t total) {
    const std::lock_guard guard(m_mutex);
    const auto now = Clock::now();
    if (now - m_begun < first_after || now - m_drawn < interval)
        return;
    m_drawn = now;
    m_shown = true;
    const auto line =
        meter_line(done, total, std::chrono::duration_cast<milliseconds>(now - m_begun));
    write_out(clear_line + shortened(line, width_of_stderr()));
}

void Meter::clear() {
    const std::lock_guard guard(m_mutex);
    if (m_shown)
        write_out(clear_line);
    m_shown = false;
}

} // namespace shipit::cmd

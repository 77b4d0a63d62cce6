#include "cmd/screen.hpp"

#include "core/base/text.hpp"

#include <exception>
#include <string>

#include <sys/ioctl.h>
#include <unistd.h>

namespace shipit::cmd {

namespace {

// Second screen, no cursor, no line wrapped; and back (xterm's private modes, which all have).
constexpr std::string_view enter = "\x1b[?1049h\x1b[?25l\x1b[?7l";
constexpr std::string_view leave = "\x1b[?7h\x1b[?25h\x1b[?1049l";
constexpr std::string_view to_top = "\x1b[H";
constexpr std::string_view clear_line = "\x1b[K";
constexpr std::string_view clear_below = "\x1b[J";

std::size_t rows_of_terminal() {
    constexpr std::size_t usual = 24;
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0)
        return usual;
    return size.ws_row;
}

} // namespace

Screen::Screen(Terminal& terminal) : m_terminal(terminal) {
    m_terminal.raw(enter);
}

Screen::~Screen() {
    try {
        m_terminal.raw(leave);
        m_terminal.finish();
    } catch (const std::exception&) { // the terminal is gone
    }
}

void Screen::show(std::string_view text) {
    std::string frame(to_top);
    std::size_t rows = rows_of_terminal();
    for (const std::string_view line : split(trimmed(text), '\n')) {
        frame += line;
        frame += clear_line;
        if (--rows == 0)
            break;
        frame += '\n';
    }
    if (rows > 0)
        frame += clear_below;
    m_terminal.raw(frame);
    m_terminal.finish();
}

} // namespace shipit::cmd

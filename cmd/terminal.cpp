#include "cmd/terminal.hpp"

#include "cmd/meter.hpp"
#include "cmd/side_output.hpp"
#include "core/base/text.hpp"
#include "core/sys/interrupt.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace shipit::cmd {

namespace {

bool is_set(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0';
}

// One that takes escape sequences.
bool is_able(bool is_terminal) {
    const char* kind = std::getenv("TERM");
    return is_terminal && kind != nullptr && std::string_view(kind) != "dumb";
}

bool use_colour(const std::string& when, bool is_terminal) {
    if (when == "always")
        return true;
    if (when == "never" || is_set("NO_COLOR")) // no-color.org
        return false;
    if (is_set("CLICOLOR_FORCE") && std::string_view(std::getenv("CLICOLOR_FORCE")) != "0")
        return true;
    return is_able(is_terminal);
}

std::size_t terminal_width() {
    constexpr std::size_t least = 80;
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return least;
    return std::max<std::size_t>(size.ws_col, least);
}

// False, with errno, if not all of it could be written.
bool write_out(std::FILE* stream, std::string_view bytes) {
    return std::fwrite(bytes.data(), 1, bytes.size(), stream) == bytes.size();
}

void tell(std::string_view text) {
    SideOutput::of_this_process().write(text);
}

const char* code_of(Colour colour) {
    switch (colour) {
    case Colour::good:
        return "\x1b[32m";
    case Colour::bad:
        return "\x1b[31m";
    case Colour::faint:
        return "\x1b[2m";
    case Colour::waiting:
        return "\x1b[33m";
    case Colour::plain:
        break;
    }
    return "";
}

std::string error_text(const Error& error) {
    const auto& attempts = error.attempts();
    if (attempts.empty())
        return fmt::format("shipit: {}\n", error.why());
    std::string text = fmt::format("shipit: {} failed\n", attempts.back());
    for (std::size_t i = attempts.size() - 1; i-- > 0;)
        text += fmt::format("  while {}\n", attempts[i]);
    return text + fmt::format("  why:  {}\n", error.why());
}

Json error_json(const Error& error, int status) {
    Json inner = Json::object({{"outcome", name_of(error.outcome())},
                               {"code", status},
                               {"attempts", Json::array_of(error.attempts())},
                               {"why", error.why()}});
    if (!error.next().empty())
        inner.set("next", error.next());
    if (!error.details().empty())
        inner.set("details", Json::array_of(error.details()));
    return Json::object({{"error", inner}});
}

} // namespace

Terminal::Terminal(Settings settings)
    : m_settings(std::move(settings)), m_output_is_terminal(::isatty(STDOUT_FILENO) == 1),
      m_errors_are_terminal(::isatty(STDERR_FILENO) == 1),
      m_coloured(use_colour(m_settings.colour, m_output_is_terminal) && !m_settings.json),
      m_width(terminal_width()) {}

bool Terminal::can_draw() const {
    return is_able(m_output_is_terminal) && !m_settings.json;
}

std::string Terminal::captured(const std::function<void()>& print) {
    std::string text;
    m_captured = &text;
    try {
        print();
    } catch (...) {
        m_captured = nullptr;
        throw;
    }
    m_captured = nullptr;
    return text;
}

void Terminal::print(std::string_view line) {
    raw(std::string(line) + "\n");
}

void Terminal::print_json(const Json& value) {
    raw((m_output_is_terminal ? value.dump_pretty() : value.dump()) + "\n");
}

void Terminal::paragraph(std::string_view head, std::size_t indent, std::string_view text) {
    if (!m_output_is_terminal || m_width <= indent)
        return print(std::string(head) + std::string(text));
    std::string before(head);
    for (const std::string& line : wrapped(text, m_width - indent)) {
        print(before + line);
        before.assign(indent, ' ');
    }
}

void Terminal::raw(std::string_view bytes) {
    if (m_captured != nullptr) {
        *m_captured += bytes;
        return;
    }
    if (!write_out(stdout, bytes) && m_lost == 0)
        m_lost = errno;
}

void Terminal::table(const std::vector<Row>& rows, std::size_t shrinking) {
    std::vector<std::size_t> widths;
    for (const Row& row : rows) {
        widths.resize(std::max(widths.size(), row.cells.size()));
        for (std::size_t i = 0; i < row.cells.size(); ++i)
            widths[i] = std::max(widths[i], columns(row.cells[i]));
    }
    std::size_t total = widths.empty() ? 0 : 2 * (widths.size() - 1);
    for (const std::size_t width : widths)
        total += width;
    constexpr std::size_t least = 10;
    if (m_output_is_terminal && total > m_width && shrinking < widths.size()) {
        const std::size_t over = total - m_width;
        std::size_t& width = widths[shrinking];
        width = width > over + least ? width - over : std::min(width, least);
    }
    for (const Row& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.cells.size(); ++i) {
            const std::string cell = shortened(row.cells[i], widths[i]);
            line += cell;
            if (i + 1 < row.cells.size())
                line += std::string(widths[i] - columns(cell) + 2, ' ');
        }
        print(coloured(line.substr(0, line.find_last_not_of(' ') + 1), row.colour));
    }
}

void Terminal::flush() {
    if (std::fflush(stdout) != 0 && m_lost == 0)
        m_lost = errno;
}

void Terminal::finish() {
    flush();
    if (m_lost == EPIPE)
        throw sys::Interrupted(SIGPIPE);
    if (m_lost != 0) // if it is full, it is not where releases are
        throw Error("cannot write the result to standard output: " + errno_text(m_lost));
}

void Terminal::note(std::string_view line) {
    flush();
    if (!m_settings.quiet)
        tell(printable_lines(line) + "\n");
}

void Terminal::prompt(std::string_view line) {
    flush();
    tell(printable_lines(line) + "\n");
}

void Terminal::warning(std::string_view line) {
    flush();
    tell(fmt::format("shipit: warning: {}\n", printable_lines(line)));
}

void Terminal::error(const Error& error, std::optional<int> status) {
    if (m_settings.json)
        print_json(error_json(error, status.value_or(static_cast<int>(error.outcome()))));
    flush();
    std::string text = error_text(error);
    if (!error.next().empty())
        text += fmt::format("  next: {}\n", error.next());
    tell(printable_lines(text));
}

bool Terminal::can_ask() const {
    return m_errors_are_terminal && ::isatty(STDIN_FILENO) == 1 && !m_settings.json &&
           !m_settings.quiet;
}

std::string Terminal::ask(std::string_view question) {
    flush();
    tell(question);
    std::string answer;
    for (int c = std::getchar(); c != EOF && c != '\n'; c = std::getchar())
        answer += static_cast<char>(c);
    return std::string(trimmed(answer));
}

Progress Terminal::progress() const {
    Progress progress;
    const auto meter = std::make_shared<Meter>();
    const bool quiet = m_settings.quiet;
    // Descriptions and commands, which are foreign, are in phases and warnings, too.
    progress.begin = [meter, quiet](const std::string& phase) {
        meter->clear();
        meter->begin();
        if (!quiet)
            tell(fmt::format("-----> {}\n", printable(phase)));
    };
    if (is_able(m_errors_are_terminal) && !quiet)
        progress.advance = [meter](std::uint64_t done, std::uint64_t total) {
            meter->draw(done, total);
        };
    progress.output = [meter, quiet](const std::string& text) {
        meter->clear();
        const auto lines = std::string_view(text).substr(0, text.find_last_not_of(" \t\r\n") + 1);
        for (const std::string_view line : split(lines, '\n')) // as it is indented
            if (!quiet)
                tell(fmt::format("       {}\n", printable(line)));
    };
    progress.warn = [meter](const std::string& warning) {
        meter->clear();
        tell(fmt::format("shipit: warning: {}\n", printable(warning)));
    };
    return progress;
}

std::string Terminal::coloured(std::string_view text, Colour colour) const {
    if (!m_coloured || colour == Colour::plain)
        return std::string(text);
    return fmt::format("{}{}\x1b[0m", code_of(colour), text);
}

} // namespace shipit::cmd

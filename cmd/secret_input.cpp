#include "cmd/secret_input.hpp"

#include "core/base/error.hpp"
#include "core/config/config_vars.hpp"
#include "core/sys/file.hpp"
#include "core/sys/interrupt.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <termios.h>
#include <unistd.h>

namespace shipit::cmd {

namespace {

// A terminal's line ends there, whatever else is typed or pasted (N_TTY_BUF_SIZE).
constexpr std::size_t longest_line = 4095;

// Terminal echo off while a secret is typed; the newline is shown.
class Silence {
  public:
    Silence() {
        if (::tcgetattr(STDIN_FILENO, &m_before) != 0)
            return;
        termios silent = m_before;
        silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        silent.c_lflag |= static_cast<tcflag_t>(ECHONL);
        m_changed = ::tcsetattr(STDIN_FILENO, TCSANOW, &silent) == 0;
    }
    ~Silence() {
        if (m_changed)
            (void)::tcsetattr(STDIN_FILENO, TCSANOW, &m_before);
    }
    Silence(const Silence&) = delete;
    Silence& operator=(const Silence&) = delete;

  private:
    termios m_before{};
    bool m_changed = false;
};

std::string without_last_newline(std::string text) {
    if (!text.empty() && text.back() == '\n')
        text.pop_back();
    return text;
}

[[noreturn]] void refuse_nothing(const std::string& name, const std::string& where) {
    throw Error(fmt::format("{} as the value of '{}'", where, name), Outcome::usage)
        .advise(fmt::format("if it is to be empty: shipit config set {}=", name));
}

} // namespace

std::string input_by(const std::function<std::string()>& read) {
    try {
        return read();
    } catch (Error& error) {
        error.set_outcome(Outcome::usage);
        throw;
    }
}

std::string typed_line() {
    std::string line(longest_line + 1, '\0');
    sys::wait_for_input(STDIN_FILENO);
    const ssize_t got = ::read(STDIN_FILENO, line.data(), line.size()); // a terminal gives a line
    if (got < 0)
        throw_errno("cannot read from the terminal");
    line.resize(static_cast<std::size_t>(got));
    if (line.size() >= longest_line)
        throw Error("what was typed is longer than a line of a terminal can be", Outcome::usage)
            .advise("put it into a file, and give NAME@FILE");
    return line;
}

std::string secret_from_stdin(Terminal& terminal, const std::string& name) {
    std::string value;
    if (::isatty(STDIN_FILENO) == 1) {
        sys::defer_signals(); // ^C must not leave the terminal silent
        const Silence silence;
        terminal.prompt(fmt::format("Value of {} (not shown):", name));
        value = typed_line();
    } else {
        value = input_by(
            [] { return sys::read_all(STDIN_FILENO, "standard input", config::largest_config); });
    }
    if (value.empty())
        refuse_nothing(name, "nothing came on standard input");
    return without_last_newline(std::move(value));
}

std::string secret_from_file(Terminal& terminal, const std::string& name, const std::string& file) {
    if (file == "-")
        return secret_from_stdin(terminal, name);
    std::string value = input_by([&] {
        const sys::Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
        if (!fd)
            throw_errno(fmt::format("cannot open the file that holds the value of '{}'", name));
        return sys::read_all(fd.get(), fmt::format("the value of {}", name),
                             config::largest_config);
    });
    if (value.empty())
        refuse_nothing(name, "the file holds nothing");
    return without_last_newline(std::move(value));
}

} // namespace shipit::cmd

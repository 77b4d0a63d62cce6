// Values that are kept off the command line, where every user of the host could read them (ps(1)):
// typed without being shown, from a pipe, or from a file.
#pragma once

#include "cmd/terminal.hpp"

#include <cstdint>
#include <functional>
#include <string>

namespace shipit::cmd {

// What `read` gives. What it throws is Error (usage): a file that is not there, or holds too much,
// is wrong input, as a value that cannot be taken is.
[[nodiscard]] std::string input_by(const std::function<std::string()>& read);

// What is typed on the terminal that standard input is, with its newline; empty at ^D. Throws
// Interrupted for ^C (sys::defer_signals), and Error (usage) for more than a terminal's line can
// hold.
[[nodiscard]] std::string typed_line();

// A line typed on a terminal, or all that standard input holds, without one newline at its end.
// Throws Error (usage) if there is nothing or too much, and Interrupted for ^C, with the terminal
// as it was.
[[nodiscard]] std::string secret_from_stdin(Terminal& terminal, const std::string& name);

// The content of a file (or of standard input, by "-"), without one newline at its end. It may be a
// pipe, as a shell's <(command) is. No error tells the file: it may be a part of a value that was
// meant to be one. Throws Error (usage) if it cannot be read, or holds nothing or too
// much.
[[nodiscard]] std::string secret_from_file(Terminal& terminal, const std::string& name,
                                           const std::string& file);

} // namespace shipit::cmd

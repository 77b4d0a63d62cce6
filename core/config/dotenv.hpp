// Config vars as text, as many programs write them into a file `.env`: read strictly, so that no
// value becomes another one than whoever wrote it, or the shell, would take it for. The grammar
// stands in shipit-config(1).
//
// Values are secrets: no error text of this file holds a piece of what was read, but for names that
// shipit sets itself.
#pragma once

#include "core/base/spec.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace shipit::config {

struct Dotenv {
    ConfigVars vars;
    // Of the values in which another reader might put something in the place of `$…` or `…`; they
    // are as they were written here.
    std::vector<std::size_t> uninterpolated_lines;
};

// All or nothing: throws Error (usage), "FILE:3: …", for whatever is not of the grammar, for a name
// that is given twice or is not the user's to set, and for values that no environment could hold.
// `file` is for the error.
[[nodiscard]] Dotenv parse_dotenv(std::string_view text, const std::string& file);

// "NAME=value\n", quoted where needed: parse_dotenv and a POSIX shell both read it back byte for
// byte.
[[nodiscard]] std::string dotenv_line(const std::string& name, const std::string& value);

} // namespace shipit::config

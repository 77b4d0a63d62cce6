// Reading files that hold secrets: what goes wrong is told with file, line and column, never with
// what stands there.
#pragma once

#include "core/base/error.hpp"

#include <string>
#include <utility>

namespace shipit {

// `error` as reading `file` threw it, reduced to "<file>:<line>:<column>: cannot be understood
// (…)".
[[nodiscard]] Error without_content(const Error& error, const std::string& file);

// Runs `read`, which parses `file`; an Error that leaves it quotes nothing of the file.
template <class Read>
decltype(auto) keeping_secrets(const std::string& file, Read&& read) {
    try {
        return std::forward<Read>(read)();
    } catch (const Error& error) {
        throw without_content(error, file);
    }
}

} // namespace shipit

// Which release came from which, drawn beside the list of releases as `git log --graph` does it.
#pragma once

#include "core/base/ids.hpp"

#include <optional>
#include <string>
#include <vector>

namespace shipit::cmd {

struct Node {
    ReleaseNumber number;
    std::optional<ReleaseNumber> from; // an earlier one
    enum class Kind { live, was_live, failed, pending, stored } kind = Kind::was_live;
};

enum class Strokes { unicode, ascii };

// Whether what the user's locale (LC_ALL, LC_CTYPE, LANG) expects of programs is UTF-8.
[[nodiscard]] bool is_utf8_locale();

// A line for each node, newest first; and one more if lines lead to releases that are not among
// them. A line that others lead to, too, is joined beside its node: nothing needs a row for itself,
// and a hundred deploys that failed are no wider than one.
[[nodiscard]] std::vector<std::string> drawn(const std::vector<Node>& nodes, Strokes strokes);

} // namespace shipit::cmd

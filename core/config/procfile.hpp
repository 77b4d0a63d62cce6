// Procfile: one "name: command" on a line. The grammar is dokku's strict one: a file with one line
// that is not understood is refused as a whole, since half a merge conflict is worse than none.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace shipit::config {

struct ProcfileEntry {
    std::string name; // 1 to 63 of A-Z, a-z, 0-9, '-' and '_'; unique
    std::string command;

    bool operator==(const ProcfileEntry&) const = default;
};

// Entries in the file's order, "release" among them. Empty lines, lines that begin with '#' and
// CR LF line ends are fine. Throws Error (usage) "Procfile:3: …".
[[nodiscard]] std::vector<ProcfileEntry> parse_procfile(std::string_view text,
                                                        const std::string& file);

} // namespace shipit::config

// Whether this host has what shipit needs, what it does where it has not, and what is amiss with an
// app: for `shipit doctor`.
//
// Everything is looked at or tried, and nothing is changed: what a trial takes (a folder, a control
// group, a socket, a child) is gone when the function returns. No check waits for more than a few
// seconds, and one that fails is a finding, too.
#pragma once

#include "core/deploy/app.hpp"

#include <string>
#include <vector>

namespace shipit::deploy {

enum class Verdict {
    ok,
    note,    // shipit works, in another way or with less than it could have
    problem, // something does not work, or is about not to
};
[[nodiscard]] const char* name_of(Verdict verdict);

struct Finding {
    std::string about; // "hand-over", "disk"
    Verdict verdict = Verdict::ok;
    std::string what; // what was found and, where it is not ok, what follows from it
    std::string next; // what to do; empty: nothing

    bool operator==(const Finding&) const = default;
};
using Findings = std::vector<Finding>;

// In the order in which they are best read. The apps count where they share something: the disk.
[[nodiscard]] Findings examine_host(const Host& host);
// Of an app whose records and settings may be damaged.
[[nodiscard]] Findings examine_app(const App& app);

} // namespace shipit::deploy

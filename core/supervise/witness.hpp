// Who is told what speaks for a release and against it. Each may be empty; none may throw.
#pragma once

#include "core/base/ids.hpp"

#include <cstdint>
#include <functional>
#include <string>

namespace shipit::supervise {

struct Witness {
    // A process that nobody had asked to.
    std::function<void(ReleaseNumber release, const std::string& process, const std::string& how)>
        ended;
    std::function<void(ReleaseNumber release, const std::string& why)> check_failed;
    // The last lines of its processes, when one ends or the release fails: "web.1: …".
    std::function<void(ReleaseNumber release, const std::string& lines)> wrote;
    // Memory, so far: the sum of its processes' peaks.
    std::function<void(ReleaseNumber release, std::uint64_t bytes)> used;
};

} // namespace shipit::supervise

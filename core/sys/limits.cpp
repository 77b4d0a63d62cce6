#include "core/sys/limits.hpp"

#include <algorithm>
#include <optional>

#include <sys/resource.h>

namespace shipit::sys {

namespace {

// Below what any dump has; and the kernel starts no program for one where it is exactly 1, while it
// would where it is 0. Not PR_SET_DUMPABLE: that would also hide our /proc from our own user.
constexpr rlim_t no_dump = 1;

std::optional<rlimit> core_before;
std::optional<rlimit> descriptors_before;

// What it was is kept the first time.
std::optional<rlimit> limit_of(__rlimit_resource resource, std::optional<rlimit>& before) noexcept {
    rlimit limit{};
    if (::getrlimit(resource, &limit) != 0)
        return std::nullopt;
    if (!before)
        before = limit;
    return limit;
}

} // namespace

void leave_no_core_dump() noexcept {
    auto limit = limit_of(RLIMIT_CORE, core_before);
    if (!limit)
        return;
    limit->rlim_cur = std::min(no_dump, limit->rlim_max);
    (void)::setrlimit(RLIMIT_CORE, &*limit);
}

void have_many_descriptors() noexcept {
    auto limit = limit_of(RLIMIT_NOFILE, descriptors_before);
    if (!limit)
        return;
    limit->rlim_cur = limit->rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &*limit);
}

void restore_limits() noexcept {
    if (core_before)
        (void)::setrlimit(RLIMIT_CORE, &*core_before);
    if (descriptors_before)
        (void)::setrlimit(RLIMIT_NOFILE, &*descriptors_before);
}

} // namespace shipit::sys

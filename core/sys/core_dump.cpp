#include "core/sys/core_dump.hpp"

#include <algorithm>

#include <sys/resource.h>

namespace shipit::sys {

namespace {

// Below what any dump has; and the kernel starts no program for one where it is exactly 1, while it
// would where it is 0. Not PR_SET_DUMPABLE: that would also hide our /proc from our own user.
constexpr rlim_t no_dump = 1;

rlimit before{};
bool is_known = false;

} // namespace

void leave_no_core_dump() noexcept {
    if (!is_known && ::getrlimit(RLIMIT_CORE, &before) != 0)
        return;
    is_known = true;
    rlimit limit = before;
    limit.rlim_cur = std::min(no_dump, limit.rlim_max);
    (void)::setrlimit(RLIMIT_CORE, &limit);
}

void restore_core_limit() noexcept {
    if (is_known)
        (void)::setrlimit(RLIMIT_CORE, &before);
}

} // namespace shipit::sys

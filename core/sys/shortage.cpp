#include "core/sys/shortage.hpp"

#include "core/sys/fd.hpp"

#include <vector>

#include <fcntl.h>

namespace shipit::sys {

bool lacks_descriptors(unsigned count) {
    std::vector<Fd> taken;
    for (unsigned n = 0; n < count; ++n) {
        taken.emplace_back(::open("/", O_PATH | O_CLOEXEC));
        if (!taken.back())
            return true;
    }
    return false;
}

} // namespace shipit::sys

// A folder on tmpfs, for as long as a target runs.
#pragma once

#include "core/sys/file.hpp"

namespace shipit::fuzz {

inline const sys::Path& folder() {
    static const sys::TempFolder the_one(sys::is_there("/dev/shm") ? "/dev/shm" : "/tmp",
                                         "shipit-fuzz-");
    return the_one.path();
}

} // namespace shipit::fuzz

// What there may be again in a moment: descriptors, memory, processes.
#pragma once

#include <cerrno>

namespace shipit::sys {

// Whether an errno says that there was none left.
[[nodiscard]] constexpr bool is_shortage(int error_number) {
    return error_number == EMFILE || error_number == ENFILE || error_number == ENOMEM ||
           error_number == ENOBUFS || error_number == EAGAIN;
}

// Whether not even so many more descriptors can be had now.
[[nodiscard]] bool lacks_descriptors(unsigned count);

} // namespace shipit::sys

// A terminal that is shared with somebody who may do less: what he types into it by ioctl(2)
// (TIOCSTI, and TIOCLINUX on a console) would be read, and done, by the shell of who started him.
#pragma once

namespace shipit::supervise {

// In the child, which must have no_new_privs or CAP_SYS_ADMIN: from now on it, and whatever it
// starts, gets EPERM for these. False, and errno, where the kernel cannot do that. Only makes
// system calls.
[[nodiscard]] bool type_into_no_terminal() noexcept;

} // namespace shipit::supervise

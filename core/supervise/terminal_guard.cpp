#include "core/supervise/terminal_guard.hpp"

#include "core/supervise/call_filter.hpp"

#include <cerrno>
#include <iterator>

#include <linux/filter.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace shipit::supervise {

// The kernel looks at the lower half of a request only. x86-64 has the same calls once more for
// x32, marked by a bit, and there ioctl has a number of its own, too; it and arm64 take calls of
// their 32-bit ancestors, where ioctl is 54 for both.
bool type_into_no_terminal() noexcept {
    constexpr unsigned x32_bit = 0x40000000;
    constexpr unsigned x32_ioctl = 514;
    constexpr unsigned ancestors_ioctl = 54;
    constexpr unsigned char if_foreign = call_filter::architecture == 0 ? 0 : 4;
    sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, call_filter::architecture_offset),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call_filter::architecture, 0, if_foreign),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, call_filter::number_offset),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, ~x32_bit),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, x32_ioctl, 2, 5),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, call_filter::number_offset),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ancestors_ioctl, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, call_filter::second_offset),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TIOCSTI, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TIOCLINUX, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
    };
    const sock_fprog program{std::size(filter), filter};
    return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0UL, &program) == 0;
}

} // namespace shipit::supervise

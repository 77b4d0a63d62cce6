// What filters of system calls (seccomp(2)) have in common.
#pragma once

#include <cstddef>

#include <linux/audit.h>
#include <linux/seccomp.h>

namespace shipit::supervise::call_filter {

#if defined(__x86_64__)
constexpr unsigned architecture = AUDIT_ARCH_X86_64;
#elif defined(__AARCH64EL__)
constexpr unsigned architecture = AUDIT_ARCH_AARCH64;
#else
constexpr unsigned architecture = 0; // not known here
#endif

// Where a filter finds what it looks at.
constexpr unsigned number_offset = offsetof(seccomp_data, nr);
constexpr unsigned architecture_offset = offsetof(seccomp_data, arch);
constexpr unsigned second_offset = offsetof(seccomp_data, args[1]); // little-endian: lower halves
constexpr unsigned third_offset = offsetof(seccomp_data, args[2]);

} // namespace shipit::supervise::call_filter

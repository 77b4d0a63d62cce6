#include "core/supervise/own_memory.hpp"

#include <cstddef>
#include <cstdint>

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

namespace shipit::supervise {

namespace {

// Of what is mapped for reading or executing alone, so that nothing in it can have been changed
// (dl_iterate_phdr(3)). What was relocated is in a segment that is mapped for writing.
int give_back_segments(dl_phdr_info* object, std::size_t, void*) {
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    for (int i = 0; i < object->dlpi_phnum; ++i) {
        const auto& segment = object->dlpi_phdr[i];
        if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0)
            continue;
        const std::uintptr_t first = (object->dlpi_addr + segment.p_vaddr) & ~(page - 1);
        const std::uintptr_t end = object->dlpi_addr + segment.p_vaddr + segment.p_memsz;
        // The kernel's own (the vDSO) are refused.
        (void)::madvise(reinterpret_cast<void*>(first), end - first, MADV_DONTNEED);
    }
    return 0;
}

} // namespace

void give_back_memory() noexcept {
    (void)::malloc_trim(0);
    (void)::dl_iterate_phdr(give_back_segments, nullptr);
}

} // namespace shipit::supervise

// What the supervisor itself takes of the host's memory.
#pragma once

namespace shipit::supervise {

// Gives back what was needed for the work that is done: freed heap, and the pages of program and
// libraries, which the kernel maps again, without reading, when they are next used. An idle
// supervisor, of which a host has one for each app, needs a tenth of them.
void give_back_memory() noexcept;

} // namespace shipit::supervise

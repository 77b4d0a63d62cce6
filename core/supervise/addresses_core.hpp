// The inside of Addresses: private to addresses.cpp (while the app runs), answer_bind.cpp (what
// programs are told that bind and listen), overlaps.cpp (what becomes of connections to an address
// that nobody accepts from) and take_back.cpp (from one supervisor to the next).
#pragma once

#include "core/supervise/addresses.hpp"
#include "core/supervise/port.hpp"

namespace shipit::supervise {

// The descriptor of that socket in a process; nothing if it does not have it open.
[[nodiscard]] std::optional<int> descriptor_of(pid_t process, ino_t inode);

// "web" of "web.1".
[[nodiscard]] inline std::string_view type_of(std::string_view process) {
    return process.substr(0, process.rfind('.'));
}

struct Addresses::Address {
    explicit Address(Slots the_slots) : slots(std::move(the_slots)) {}
    // As the program of that side has it.
    [[nodiscard]] TcpAddress name_on(Side side) const;

    Slots slots;
    std::set<std::string> listeners[2]; // programs of each side
    bool stays = false;                 // with the side that was live before
    bool claimed[2] = {false, false};   // bound by a program of the generation on that side
    // Bound so as IPv4's wildcard by a program that takes IPv6's clients as well.
    bool takes_both[2] = {false, false};
    bool is_abandoned = false; // closed by a program that had bound it
    SocketHolder holders[2];
    std::unique_ptr<Relay> relays[2];
    bool is_followed = false;          // when it is closed, a wider one takes its place
    bool bypassed[2] = {false, false}; // that relay carries to a wider address
};

struct Addresses::Watched {
    Side side;
    std::string process;
    std::unique_ptr<BindWatch> watch;
};

} // namespace shipit::supervise

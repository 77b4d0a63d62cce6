// The two slots of one TCP address: listening sockets A and B in one SO_REUSEPORT group, never
// closed while the app is up, and the program that tells the kernel which of them a connection goes
// to.
//
// Each generation accepts from one slot. Public connections go to the live one; those from the
// probe's source ports, made on this host, to the other. To steer is one setsockopt(2): atomic, and
// free of cost for each connection. The kernel numbers the sockets of a group in the order in which
// they began to listen, so a slot that a program has shut down comes back as the last one.
#pragma once

#include "core/base/error.hpp"
#include "core/supervise/tcp_address.hpp"
#include "core/sys/fd.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace shipit::supervise {

enum class Side : std::uint8_t { a, b };

constexpr Side sides[] = {Side::a, Side::b};

// Its place in an array of two.
[[nodiscard]] constexpr std::size_t at(Side side) {
    return static_cast<std::size_t>(side);
}
[[nodiscard]] constexpr Side other(Side side) {
    return side == Side::a ? Side::b : Side::a;
}
[[nodiscard]] constexpr const char* name_of(Side side) {
    return side == Side::a ? "a" : "b";
}

[[nodiscard]] inline Side side_from(std::string_view name) {
    return name == name_of(Side::b) ? Side::b : Side::a;
}

struct Steering {
    Side live = Side::a;          // where public connections go
    Side probed = Side::a;        // where those from the probe's source ports go
    std::uint16_t probe_port = 0; // the first of them; a multiple of their number
};
// A health command may make several connections at once.
constexpr std::uint16_t probe_ports = 8;

constexpr int slot_backlog = 4096; // the kernel cuts it to net.core.somaxconn

// What bind(2) has to say to a program instead of giving it a slot.
struct SlotError : std::runtime_error {
    explicit SlotError(int number) : std::runtime_error(errno_text(number)), error_number(number) {}
    int error_number;
};

// Makes a socket that is about to be connected to `target` come from one of the probe's ports, and
// from the very address that it goes to. Its connection will end with a reset, so that the next one
// can come from the same port. False with errno if it cannot, or is bound already.
[[nodiscard]] bool come_from(int socket, const TcpAddress& target, std::uint16_t probe_port);

// Whether other processes have a slot that a program is about to get. Nothing changes under them:
// they have set what they want, and would wait for ever in accept(2) if it were to block again.
enum class Sharers : std::uint8_t { none, some };

// Gives a slot the O_NONBLOCK of the socket that it replaces; takes none away from those who share.
void carry_nonblock(int from, int slot, Sharers sharers);

// Neither bound nor listening. Throws SlotError.
[[nodiscard]] sys::Fd new_socket(const TcpAddress& address);

// For a program that is given its sockets where there are no slots: listening, and shared with
// others of this user that are made so. Throws SlotError.
[[nodiscard]] sys::Fd listening_socket(const TcpAddress& address);

// Whether nobody has bound the address, or one that overlaps it.
[[nodiscard]] bool is_free(const TcpAddress& address);

// Whether the kernel lets a group be steered, by trying it: why not, or nothing.
[[nodiscard]] std::optional<std::string> why_no_steering();

class Slots {
  public:
    // Both sockets, with the options of the socket `like` that a program wanted to bind, listening.
    // Throws SlotError with errno where a program would have got it from bind(2).
    Slots(const TcpAddress& address, int like, const Steering& steering);
    // Of what an earlier supervisor left: one or both of its sockets, in the group's order. A
    // missing one is made anew, and one that a program has shut down since listens again.
    struct Kept {
        Side side;
        sys::Fd socket;
    };
    Slots(const TcpAddress& address, std::vector<Kept> kept, const Steering& steering);

    [[nodiscard]] const TcpAddress& address() const { return m_address; }
    [[nodiscard]] int socket(Side side) const { return m_sockets[at(side)].get(); }
    [[nodiscard]] ino_t inode(Side side) const;
    // Where a slot stands in the kernel's group, from 0.
    [[nodiscard]] unsigned place(Side side) const { return m_places[at(side)]; }

    void steer(const Steering& steering);
    // How many connections wait to be accepted there.
    [[nodiscard]] unsigned waiting(Side side) const;
    // For those that are to be closed: who connects from now on finds the wider address that they
    // stand before. Who has begun to can go on, and be accepted.
    void step_aside() const;
    // Makes slots listen again that a program has shut down; true if there was one.
    bool revive();

    // What a program has set on its own socket before bind(2), for the slot that replaces it.
    void carry_over(int from, Side side, Sharers sharers = Sharers::none) const;

  private:
    [[nodiscard]] bool listens(Side side) const;
    void make(Side side, int like);
    void listen(Side side) const;
    // Where they do not yet; `first` stands first in the kernel's group, or comes to.
    void listen_in_turn(Side first);

    TcpAddress m_address;
    sys::Fd m_sockets[2];
    unsigned m_places[2] = {0, 1};
    Steering m_steering;
};

} // namespace shipit::supervise

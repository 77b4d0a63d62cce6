// The two slots of an app's Unix socket: listening sockets A and B, and the public name, a symlink
// that leads to the live one's. To switch is to rename another symlink over it.
//
//   run/web.sock -> .web.sock.a      where clients come
//   run/.web.sock.a, .web.sock.b     the slots' own names, which only we can remove
//   run/a/web.sock, run/b/web.sock   what the programs of a side are told to bind
//
// The slots are bound to what the programs are told, and the other names are hard links to them: so
// getsockname(2) tells a program what it expects, and it may remove what it finds there, as many do
// before they bind and at their end; nobody else notices. Everybody who may enter the folders above
// may connect, until the program changes the mode of what it bound.
#pragma once

#include "core/supervise/slots.hpp"
#include "core/sys/account.hpp"
#include "core/sys/file.hpp"

#include <optional>
#include <vector>

#include <sys/types.h>

namespace shipit::supervise {

using sys::Path;

constexpr mode_t everybody = 0666; // may connect

// What the programs of a side are told to bind.
[[nodiscard]] Path told_name(const Path& socket, Side side);

// Where there are no slots: makes room for the program to bind its name itself, and leads the
// public one there. Throws Error.
void make_way(const Path& socket, Side side, const std::optional<sys::Account>& user);

class UnixSlots {
  public:
    struct Kept {
        Side side;
        sys::Fd socket;
    };
    // Of `kept`, what an earlier supervisor left; a missing one is made anew. Throws Error.
    explicit UnixSlots(Path socket, std::vector<Kept> kept = {});

    [[nodiscard]] const Path& path() const { return m_path; }
    [[nodiscard]] int socket(Side side) const { return m_sockets[at(side)].get(); }
    [[nodiscard]] ino_t inode(Side side) const;
    // The slot's own name.
    [[nodiscard]] Path entrance(Side side) const;
    // Whether a connection waits to be accepted there.
    [[nodiscard]] bool has_waiting(Side side) const;

    // The public name leads to that side from now on. Throws Error.
    void go_live(Side side) const;
    // The user of that side's programs, who may do as he likes with what they are told to bind.
    void give_names(Side side, const std::optional<sys::Account>& user) const;
    // As if no program had been there: not shown, and everybody may connect.
    void renew_names(Side side) const;
    // What the programs are told to bind is there, as it is after bind(2).
    void show(Side side) const;
    // A program has bound it with that socket: its slot is as blocking.
    void carry_over(int from, Side side, Sharers sharers = Sharers::none) const;
    // All names go: clients are refused.
    void remove() const;

  private:
    void make(Side side);
    void hide(Side side) const;

    Path m_path;
    sys::Fd m_sockets[2];
};

} // namespace shipit::supervise

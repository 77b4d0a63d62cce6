// All Unix sockets of an app: mostly one, and two while a release that has another name for it
// takes the place of the one before. The counterpart of Addresses, which owns it and answers the
// programs' calls: a program of side A that binds the name it was told gets slot A.
#pragma once

#include "core/supervise/bequest.hpp"
#include "core/supervise/bind_watch.hpp"
#include "core/supervise/relay.hpp"
#include "core/supervise/unix_slots.hpp"

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace shipit::supervise {

class UnixSockets {
  public:
    UnixSockets(Loop& loop, std::function<void(const std::string&)> note);
    ~UnixSockets();
    UnixSockets(const UnixSockets&) = delete;
    UnixSockets& operator=(const UnixSockets&) = delete;

    // --- Sides, as Addresses has them ---

    void occupy(Side side);
    void vacate(Side side);
    void go_live(Side side);
    [[nodiscard]] bool has_waiting(Side side) const;
    void close();

    // --- Programs ---

    // A program is about to be started that will bind this socket, or be given it. Throws Error.
    void prepare(Side side, const Path& socket, const std::optional<sys::Account>& user);
    // The prepared slot, for a program that is given it, and listens from now on.
    [[nodiscard]] int give(Side side, const std::string& process, const Path& socket);
    // The slot for a bind(2); nothing if it is none of ours.
    [[nodiscard]] std::optional<int> bound(Side side, const std::string& process,
                                           const BindCall& call);
    // Whether a listen(2) was one to a slot of that side.
    [[nodiscard]] bool listens(Side side, const std::string& process, ino_t inode);
    void forget(Side side, const std::string& process);
    [[nodiscard]] bool is_listening(Side side, const std::string& process) const;
    // On that one; an empty path if it does not.
    [[nodiscard]] Path entrance(Side side, const std::string& process, const Path& socket) const;

    // --- The next supervisor ---

    [[nodiscard]] Json state() const; // an array
    void restore(const Json& state, std::vector<UnixSlots::Kept> kept);
    [[nodiscard]] Json memory(Bequest& bequest) const;
    void recall(const Json& memory);
    // Whether no connection is being carried to the live side.
    [[nodiscard]] bool is_idle() const;

  private:
    struct Socket;
    [[nodiscard]] Socket* find(const Path& socket) const;
    void relay(Socket& socket, Side side) const;
    void lead(const Socket& socket) const;

    Loop& m_loop;
    std::function<void(const std::string&)> m_note;
    Side m_live = Side::a;
    bool m_occupied[2] = {false, false};
    std::vector<std::unique_ptr<Socket>> m_sockets;
};

} // namespace shipit::supervise

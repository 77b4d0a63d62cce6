// Connections that came to a slot after its generation had gone: carried to the live one.
//
// There are few: handshakes that began before the switch and ended seconds later, and those that
// waited while nothing was live; but all that come to an address which the live generation has not,
// while the other one has it. Only want of descriptors sets a limit to their number. Each is a
// connection of ours to the same address, and bytes passed both ways; the program behind it sees
// this host as the peer.
#pragma once

#include "core/supervise/loop.hpp"
#include "core/supervise/tcp_address.hpp"
#include "core/sys/fd.hpp"

#include <functional>
#include <memory>
#include <vector>

namespace shipit::supervise {

class Relay {
  public:
    // From `listener`, which it does not own and which outlives its being open. What is being
    // carried when it is destroyed is cut.
    Relay(Loop& loop, int listener);
    ~Relay();
    Relay(const Relay&) = delete;
    Relay& operator=(const Relay&) = delete;

    // Gives a non-blocking connection that is being made; an empty Fd if it cannot be.
    using Connect = std::function<sys::Fd()>;
    // To `target`, from now on.
    void open(const TcpAddress& target);
    void open(Connect connect);
    // Accepts no more; what is being carried goes on.
    void close();
    // The same, when it has accepted all that waits.
    void finish();
    // Whether nothing is being carried.
    [[nodiscard]] bool is_idle() const { return m_pairs.empty(); }

  private:
    class Pair;
    enum class Room { spared, all }; // spared: some descriptors are left for others
    void accept(Room room = Room::spared);
    void carry(sys::Fd client);
    void sweep();

    Loop& m_loop;
    int m_listener;
    Connect m_connect;
    Loop::Watch m_watch;
    Loop::Timer m_rest;
    Loop::Timer m_sweep;
    std::vector<std::unique_ptr<Pair>> m_pairs;
};

} // namespace shipit::supervise

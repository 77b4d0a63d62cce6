// All TCP addresses of an app (and, in UnixSockets, its Unix sockets), each with its two slots, and
// which generation accepts from which.
//
// Programs' bind(2) and listen(2) are answered here: a program of the generation on side A that
// binds one of the app's ports gets slot A of that address in the place of its own socket, whatever
// it had set on it; any other address is its own business. See slots.hpp and bind_watch.hpp.
#pragma once

#include "core/supervise/bequest.hpp"
#include "core/supervise/bind_watch.hpp"
#include "core/supervise/relay.hpp"
#include "core/supervise/slots.hpp"
#include "core/supervise/unix_sockets.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace shipit::supervise {

// The way in to a generation, as its probe needs it.
struct Entrance {
    TcpAddress address{};
    std::uint16_t source_port = 0; // 0: the public way
    Path socket{};                 // a Unix socket; then there is no address
};

// Whether this host allows all of it: why not, or nothing. Tried with sockets of our own. Throws
// Error where it cannot be tried.
[[nodiscard]] std::optional<std::string> why_no_handover();

class Addresses {
  public:
    struct Callbacks {
        std::function<void(const std::string&)> note; // for the supervisor's own log
        std::function<void()> changed;                // the state is to be saved
        std::function<void()> save; // at once, if it has changed: somebody is going to rely on it
        // A program may not have an address: why, and what to do, as a sentence's predicate.
        std::function<void(Side, const std::string& process, const std::string& why)> refused =
            [](Side, const std::string&, const std::string&) {};
    };

    Addresses(Loop& loop, Callbacks callbacks);
    ~Addresses();
    Addresses(const Addresses&) = delete;
    Addresses& operator=(const Addresses&) = delete;

    // --- Sides ---

    // A generation comes to a side, with these ports; `of_web` are those of them that only its
    // processes of type web may have. What still waited there for the one before is no longer
    // relayed, but this one's.
    void occupy(Side side, const std::vector<std::uint16_t>& ports,
                const std::vector<std::uint16_t>& of_web = {});
    // Nobody is there any more: what arrives nevertheless is relayed to the live side.
    void vacate(Side side);
    // Public connections go to `side` from now on.
    void go_live(Side side);
    [[nodiscard]] Side live() const { return m_steering.live; }
    // How many connections wait to be accepted on a side.
    [[nodiscard]] unsigned waiting(Side side) const;
    // All TCP addresses that there are slots of.
    [[nodiscard]] std::vector<TcpAddress> names() const;
    // Nobody accepts any more: connections are refused again.
    void close();

    // --- Programs ---

    // Answers a program's calls from now on, and those of its children.
    void watch(Side side, const std::string& process, sys::Fd notifications);
    // The slot of that side for a program that is about to be started with it, and listens from now
    // on. Throws SlotError.
    [[nodiscard]] int give(Side side, const std::string& process, const TcpAddress& wanted);
    // The Unix sockets; what happens to addresses happens to them, too.
    [[nodiscard]] UnixSockets& unix_sockets() { return m_unix; }
    [[nodiscard]] const UnixSockets& unix_sockets() const { return m_unix; }
    // The program ended; what it listened to is forgotten.
    void forget(Side side, const std::string& process);
    // Whether the program listens on that port of the app.
    [[nodiscard]] bool is_listening(Side side, const std::string& process,
                                    std::uint16_t port) const;
    // Whether a process still has open what was listened to on that port.
    [[nodiscard]] bool is_open(Side side, std::uint16_t port) const;
    // On any of the app's addresses.
    [[nodiscard]] bool is_listening(Side side, const std::string& process) const;
    // What a program that does not listen binds from now on, and its children, is the other side's.
    void move(const std::string& process, Side from, Side to);
    // How to reach those who listen on that port; nothing if nobody does.
    [[nodiscard]] std::optional<Entrance> entrance(Side side, std::uint16_t port) const;
    // Makes a connection of a health command, which is about to be made, one to that side.
    void lead(Side side, const BindCall& connect) const;
    // Whether we hold slots of that port.
    [[nodiscard]] bool holds(std::uint16_t port) const;
    // Who is told, from the loop, when a program begins to listen; an empty function for nobody.
    void on_listening(Loop::Callback callback) { m_on_listening = std::move(callback); }

    // --- The next supervisor ---

    // What it needs to go on where this one ends.
    [[nodiscard]] Json state() const;
    // Takes the slots of an earlier supervisor back from the processes that still hold them; where
    // only one side's is held, the other's is made anew, and where neither is, nothing. To be
    // called once, after the sides are occupied. False if there are some that we may not take;
    // throws Error where that may change in a moment.
    [[nodiscard]] bool take_back(const Json& state, const std::vector<pid_t>& holders);

    // All of it, for the program that takes our place by execve(2); and, once at its beginning,
    // from the one whose place we took. Calls that come meanwhile wait for their answer.
    [[nodiscard]] Json memory(Bequest& bequest) const;
    void recall(const Json& memory);
    // Whether no connection is being carried to the live side, which would be cut.
    [[nodiscard]] bool is_idle() const;

  private:
    struct Address;
    struct Watched;
    Address& add(std::unique_ptr<Address> address);
    [[nodiscard]] BindAnswer answer(const Watched& watched, const BindCall& call);
    [[nodiscard]] BindAnswer answer_bind(const Watched& watched, const BindCall& call);
    [[nodiscard]] BindAnswer answer_listen(const Watched& watched, const BindCall& call);
    [[nodiscard]] bool is_for_others(const Watched& watched, const TcpAddress& wanted) const;
    [[nodiscard]] Address& slots_for(const TcpAddress& wanted, int like);
    void claim(Address& address, Side side, const TcpAddress& wanted);
    void listening();
    [[nodiscard]] bool take_address_back(const Json& state, const std::vector<pid_t>& holders);
    [[nodiscard]] bool take_socket_back(const Json& state, const std::vector<pid_t>& holders);
    [[nodiscard]] Address* find(const TcpAddress& address) const;
    void gone(const Watched* watched);
    void recall_address(const Json& memory);
    void watch_hang_ups();
    void revive();
    [[nodiscard]] bool is_used(const Address& address) const;
    void close_unused();
    void close_all_but(const std::function<bool(const Address&)>& is_kept);
    void reserve_probe_ports();
    void steer(Address& address) const;
    // (overlaps.cpp)
    [[nodiscard]] std::string owner_of(const TcpAddress& wanted, Side side,
                                       std::string_view type) const;
    void relay(Address& address, Side side);
    void relay_all();
    void begin_end(Address& address);
    enum class Leaving { alone, all }; // alone: those whose clients have nowhere to go
    void close_leaving(Leaving which);
    [[nodiscard]] Address* stand_in_for(const TcpAddress& wanted) const;
    void make_v6_side(const TcpAddress& wanted, int like);
    [[nodiscard]] const Address* behind(const Address& address, Side side) const;
    [[nodiscard]] bool is_in_the_way(const Address& address) const;
    [[nodiscard]] const Address* taker_of(const TcpAddress& way, const TcpAddress& from) const;
    [[nodiscard]] std::optional<TcpAddress> way_to(const TcpAddress& wanted) const;
    enum class Closed { any, before_wider }; // before_wider: its clients have somewhere to go
    void find_closed(Side side, Closed which);
    void close_abandoned();

    Loop& m_loop;
    Callbacks m_callbacks;
    Steering m_steering;
    std::vector<std::uint16_t> m_ports[2];
    std::vector<std::uint16_t> m_web_ports[2];
    bool m_occupied[2] = {false, false};
    std::vector<sys::Fd> m_probe_holds; // the probe's ports, so that nobody else is given them
    mutable unsigned m_next_lead = 0;   // which of them the next connection comes from
    sys::Fd m_hang_ups; // an epoll(7) that tells of slots that were shut down, and of no more
    Loop::Watch m_hang_up_watch;
    std::vector<std::unique_ptr<Address>> m_addresses;
    std::vector<std::unique_ptr<Address>> m_leaving; // closed soon, when they have drained
    std::vector<std::unique_ptr<Relay>> m_last;      // of those that are closed
    Loop::Timer m_close;
    std::vector<std::unique_ptr<Watched>> m_watched;
    UnixSockets m_unix;
    Loop::Callback m_on_listening;
    Loop::Timer m_tell;
};

} // namespace shipit::supervise

// What programs are told when they bind and listen, and what those are given that do neither.

#include "core/supervise/addresses_core.hpp"

#include "core/base/error.hpp"
#include "core/supervise/port.hpp"
#include "core/sys/file.hpp"

#include <algorithm>
#include <cerrno>

#include <fmt/core.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/stat.h>

namespace shipit::supervise {

namespace {

ino_t inode_of(int socket) {
    struct stat facts {};
    return ::fstat(socket, &facts) == 0 ? facts.st_ino : 0;
}

bool shares_its_port(int socket) {
    int shares = 0;
    socklen_t size = sizeof shares;
    return ::getsockopt(socket, SOL_SOCKET, SO_REUSEPORT, &shares, &size) == 0 && shares != 0;
}

} // namespace

std::optional<int> descriptor_of(pid_t process, ino_t inode) {
    const sys::Path folder = fmt::format("/proc/{}/fd", process);
    const std::string wanted = fmt::format("socket:[{}]", inode);
    try {
        for (const std::string& fd : sys::names_in(folder))
            if (sys::link_target(folder / fd) == wanted)
                return std::stoi(fd);
    } catch (const Error&) { // it has just ended
    }
    return std::nullopt;
}

BindAnswer Addresses::answer(const Watched& watched, const BindCall& call) {
    try {
        const BindAnswer answer = call.what == BindCall::What::listen ? answer_listen(watched, call)
                                                                      : answer_bind(watched, call);
        // Before the program has the slot: the next supervisor takes back what it reads of, and is
        // in the way of itself where it finds a port of the app's in use by a socket of nobody's.
        m_callbacks.save();
        return answer;
    } catch (const SlotError& error) {
        m_callbacks.note(fmt::format("{} cannot have {}: {}", watched.process, call.address.text(),
                                     errno_text(error.error_number)));
        return {BindAnswer::Kind::fail, error.error_number};
    }
}

BindAnswer Addresses::answer_bind(const Watched& watched, const BindCall& call) {
    if (!call.path.empty()) {
        const auto slot = m_unix.bound(watched.side, watched.process, call);
        return slot ? BindAnswer{BindAnswer::Kind::replace, *slot} : BindAnswer{};
    }
    const auto& ports = m_ports[at(watched.side)];
    if (std::find(ports.begin(), ports.end(), call.address.port) == ports.end())
        return {};
    const TcpAddress wanted = call.address.plain();
    if (is_for_others(watched, wanted))
        return {BindAnswer::Kind::fail, EADDRINUSE};
    Address& address = slots_for(wanted, call.socket.get());
    const ino_t slot = address.slots.inode(watched.side);
    if (inode_of(call.socket.get()) == slot)
        return {BindAnswer::Kind::done}; // a signal made it ask again
    // As the kernel has it; others of its generation share the slot.
    if (!shares_its_port(call.socket.get()) && descriptor_of(call.process, slot))
        return {BindAnswer::Kind::fail, EADDRINUSE};
    const bool is_shared = address.claimed[at(watched.side)] && is_open_elsewhere(slot);
    claim(address, watched.side, wanted);
    // After the relay, which sets some.
    address.slots.carry_over(call.socket.get(), watched.side,
                             is_shared ? Sharers::some : Sharers::none);
    return {BindAnswer::Kind::replace, address.slots.socket(watched.side)};
}

// Those of one type share an address; another type's would be sent what is asked of them.
bool Addresses::is_for_others(const Watched& watched, const TcpAddress& wanted) const {
    const std::string_view type = type_of(watched.process);
    const std::string owner = owner_of(wanted, watched.side, type);
    if (owner.empty())
        return false;
    m_callbacks.refused(watched.side, watched.process,
                        fmt::format("cannot have {}, which is for {}: give {} a port of its own, "
                                    "as by PORT=NUMBER before its command",
                                    wanted.text(), owner, type));
    return true;
}

void Addresses::claim(Address& address, Side side, const TcpAddress& wanted) {
    address.claimed[at(side)] = true;
    address.takes_both[at(side)] =
        wanted.family == AF_INET6 && wanted.is_any() && address.slots.address().family == AF_INET;
    address.is_abandoned = false;
    relay_all(); // this one may be in the way of others, or they of it
    if (address.stays && side == m_steering.live) {
        address.stays = false;
        steer(address);
    }
}

Addresses::Address& Addresses::slots_for(const TcpAddress& wanted, int like) {
    if (Address* known = find(wanted))
        return *known;
    if (Address* known = stand_in_for(wanted)) {
        if (!wanted.v6_only)
            make_v6_side(wanted, like);
        return *known;
    }
    close_leaving(Leaving::all); // one of them may be this one, whose group new slots would join
    if (!holds(wanted.port) && !is_free(wanted))
        throw SlotError{EADDRINUSE}; // also of those who would share it
    return add(std::make_unique<Address>(Slots(wanted, like, m_steering)));
}

int Addresses::give(Side side, const std::string& process, const TcpAddress& wanted) {
    const sys::Fd plain = new_socket(wanted);
    Address& address = slots_for(wanted.plain(), plain.get());
    claim(address, side, wanted.plain());
    std::set<std::string>& listeners = address.listeners[at(side)];
    // As it would be without those before it, which may have set O_NONBLOCK; but nothing is changed
    // under those that share it.
    if (listeners.empty())
        address.slots.carry_over(plain.get(), side);
    listeners.insert(process);
    m_callbacks.changed();
    return address.slots.socket(side);
}

Addresses::Address& Addresses::add(std::unique_ptr<Address> added) {
    m_addresses.push_back(std::move(added));
    Address& address = *m_addresses.back();
    for (const Side side : sides) {
        epoll_event hang_up{};
        (void)::epoll_ctl(m_hang_ups.get(), EPOLL_CTL_ADD, address.slots.socket(side), &hang_up);
        relay(address, side);
    }
    m_callbacks.changed();
    return address;
}

BindAnswer Addresses::answer_listen(const Watched& watched, const BindCall& call) {
    const ino_t inode = inode_of(call.socket.get());
    for (const auto& address : m_addresses) {
        if (address->slots.inode(watched.side) != inode)
            continue;
        // Both may have bound it before either listened.
        if (is_for_others(watched, address->slots.address()))
            return {BindAnswer::Kind::fail, EADDRINUSE};
        address->listeners[at(watched.side)].insert(watched.process);
        find_closed(watched.side, Closed::before_wider);
        close_abandoned();
        relay_all();
        listening();
        return {BindAnswer::Kind::done}; // it listens already, with a backlog of ours
    }
    if (!m_unix.listens(watched.side, watched.process, inode))
        return {};
    listening();
    return {BindAnswer::Kind::done};
}

void Addresses::listening() {
    m_callbacks.changed();
    m_tell = m_loop.after(milliseconds(0), [this] {
        const Loop::Callback tell = m_on_listening; // which may replace itself
        if (tell)
            tell();
    });
}

} // namespace shipit::supervise

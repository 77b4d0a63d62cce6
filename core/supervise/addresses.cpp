#include "core/supervise/addresses_core.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/sys/file.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/core.h>
#include <netinet/in.h>
#include <sys/epoll.h>

namespace shipit::supervise {

namespace {

// The ports that the kernel gives to outgoing connections end here.
unsigned last_given_port() {
    constexpr unsigned usual = 60999;
    const auto range = sys::read_file_if_any("/proc/sys/net/ipv4/ip_local_port_range", 64);
    const std::string_view text = trimmed(range ? std::string_view(*range) : "");
    const auto blank = text.find_last_of("\t ");
    unsigned last = usual;
    if (blank != std::string_view::npos)
        (void)std::from_chars(text.data() + blank + 1, text.data() + text.size(), last);
    return last;
}

} // namespace

std::optional<std::string> why_no_handover() {
    auto why_not = why_no_bind_watch();
    return why_not ? why_not : why_no_steering();
}

Addresses::Addresses(Loop& loop, Callbacks callbacks)
    : m_loop(loop), m_callbacks(std::move(callbacks)), m_hang_ups(::epoll_create1(EPOLL_CLOEXEC)),
      m_unix(loop, m_callbacks.note) {
    m_steering.probed = other(m_steering.live);
    reserve_probe_ports();
    if (!m_hang_ups)
        throw_errno("cannot make an epoll");
    m_hang_up_watch = loop.watch(m_hang_ups.get());
    watch_hang_ups();
}

Addresses::~Addresses() = default;

namespace {

// Bound, and never used but by the probe: nobody else is given it as the port of a connection.
sys::Fd held(std::uint16_t port) {
    TcpAddress any{AF_INET6, {}, 0, false, port};
    sys::Fd fd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd) {
        fd.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        any.family = AF_INET;
    }
    if (!fd)
        throw_errno("cannot make a socket for the health probe");
    sockaddr_storage name{};
    const socklen_t length = any.put_into(name);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&name), length) != 0)
        return {};
    const int shared = 1; // with the probe, from now on
    (void)::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &shared, sizeof shared);
    return fd;
}

} // namespace

void Addresses::reserve_probe_ports() {
    constexpr unsigned lowest = 1024;
    constexpr unsigned usual_first_given = 32768;
    // Above those that the kernel gives to connections; below, where there is nothing above.
    unsigned end = 65536;
    if (last_given_port() + 2 * probe_ports > end)
        end = usual_first_given;
    for (unsigned first = end - probe_ports; first >= lowest; first -= probe_ports) {
        std::vector<sys::Fd> all;
        for (unsigned port = first; port < first + probe_ports; ++port)
            if (sys::Fd fd = held(static_cast<std::uint16_t>(port)))
                all.push_back(std::move(fd));
        if (all.size() < probe_ports)
            continue;
        m_probe_holds = std::move(all);
        m_steering.probe_port = static_cast<std::uint16_t>(first);
        return;
    }
    throw Error("no ports are free for the health probe");
}

// --- Sides ---

void Addresses::occupy(Side side, const std::vector<std::uint16_t>& ports,
                       const std::vector<std::uint16_t>& of_web) {
    m_ports[at(side)] = ports;
    m_web_ports[at(side)] = of_web;
    m_occupied[at(side)] = true;
    m_unix.occupy(side);
    for (const auto& address : m_addresses) {
        address->listeners[at(side)].clear();
        address->claimed[at(side)] = false;
        address->takes_both[at(side)] = false;
        address->bypassed[at(side)] = false;
        relay(*address, side);
    }
}

void Addresses::vacate(Side side) {
    m_occupied[at(side)] = false;
    m_unix.vacate(side);
    close_unused();
    for (const auto& address : m_addresses)
        relay(*address, side);
}

void Addresses::go_live(Side side) {
    find_closed(side, Closed::any);
    m_steering.live = side;
    m_steering.probed = other(side);
    for (const auto& address : m_addresses) {
        // An address that only the other generation has goes on to be its, until it is gone; not
        // where the live one would get those connections if it were not there.
        address->stays = !address->claimed[at(side)] && address->claimed[at(other(side))] &&
                         m_occupied[at(other(side))] && behind(*address, side) == nullptr;
        steer(*address);
    }
    close_abandoned();
    relay_all();
    m_unix.go_live(side);
    m_callbacks.changed();
}

void Addresses::steer(Address& address) const {
    Steering steering = m_steering;
    if (address.stays)
        std::swap(steering.live, steering.probed);
    address.slots.steer(steering);
}

unsigned Addresses::waiting(Side side) const {
    unsigned most = m_unix.has_waiting(side) ? 1 : 0;
    for (const auto& address : m_addresses)
        most = std::max(most, address->slots.waiting(side));
    return most;
}

std::vector<TcpAddress> Addresses::names() const {
    std::vector<TcpAddress> names;
    for (const auto& address : m_addresses)
        names.push_back(address->slots.address());
    return names;
}

void Addresses::close() {
    m_leaving.clear();
    m_addresses.clear();
    m_unix.close();
    m_callbacks.changed();
}

// --- Programs ---

void Addresses::watch(Side side, const std::string& process, sys::Fd notifications) {
    auto watched = std::make_unique<Watched>(Watched{side, process, nullptr});
    watched->watch = std::make_unique<BindWatch>(
        m_loop, std::move(notifications),
        [this, its = watched.get()](const BindCall& call) { return answer(*its, call); },
        [this, its = watched.get()] { gone(its); });
    m_watched.push_back(std::move(watched));
}

void Addresses::gone(const Watched* watched) {
    m_watched.erase(std::remove_if(m_watched.begin(), m_watched.end(),
                                   [&](const auto& each) { return each.get() == watched; }),
                    m_watched.end());
}

void Addresses::forget(Side side, const std::string& process) {
    for (const auto& address : m_addresses)
        address->listeners[at(side)].erase(process);
    m_unix.forget(side, process);
}

bool Addresses::is_listening(Side side, const std::string& process, std::uint16_t port) const {
    return std::any_of(m_addresses.begin(), m_addresses.end(), [&](const auto& address) {
        return address->slots.address().port == port &&
               address->listeners[at(side)].count(process) != 0;
    });
}

bool Addresses::is_listening(Side side, const std::string& process) const {
    const auto listens = [&](const auto& address) {
        return address->listeners[at(side)].count(process) != 0;
    };
    return m_unix.is_listening(side, process) ||
           std::any_of(m_addresses.begin(), m_addresses.end(), listens);
}

void Addresses::move(const std::string& process, Side from, Side to) {
    for (const auto& watched : m_watched)
        if (watched->side == from && watched->process == process)
            watched->side = to;
}

std::optional<Entrance> Addresses::entrance(Side side, std::uint16_t port) const {
    for (const auto& each : m_addresses) {
        if (each->slots.address().port != port || each->listeners[at(side)].empty())
            continue;
        // Clients that come to a narrower one of its own are not served by this one.
        const Address* taker = taker_of(each->slots.address().from_here(), each->slots.address());
        if (taker != nullptr && taker->claimed[at(side)])
            continue;
        if (const auto way = way_to(each->slots.address()))
            return Entrance{*way,
                            side == m_steering.live ? std::uint16_t{0} : m_steering.probe_port};
    }
    return std::nullopt;
}

void Addresses::lead(Side side, const BindCall& connect) const {
    if (side == m_steering.live || !holds(connect.address.port))
        return;
    const auto port =
        static_cast<std::uint16_t>(m_steering.probe_port + m_next_lead++ % probe_ports);
    // Fails for another host's address, which is none of ours, and for what is bound already.
    (void)come_from(connect.socket.get(), connect.address, port);
}

bool Addresses::holds(std::uint16_t port) const {
    return std::any_of(m_addresses.begin(), m_addresses.end(),
                       [&](const auto& address) { return address->slots.address().port == port; });
}

Addresses::Address* Addresses::find(const TcpAddress& address) const {
    for (const auto& each : m_addresses)
        if (each->slots.address().plain() == address.plain())
            return each.get();
    return nullptr;
}

// --- Slots that programs shut down ---

void Addresses::watch_hang_ups() {
    m_hang_up_watch.when_readable([this] {
        revive();
        watch_hang_ups();
    });
}

void Addresses::revive() {
    for (const auto& address : m_addresses) {
        try {
            if (address->slots.revive())
                m_callbacks.changed();
        } catch (const SlotError& error) {
            for (const Side side : sides)
                (void)::epoll_ctl(m_hang_ups.get(), EPOLL_CTL_DEL, address->slots.socket(side),
                                  nullptr);
            m_callbacks.note(fmt::format("cannot listen on {} again: {}",
                                         address->slots.address().text(),
                                         errno_text(error.error_number)));
        }
    }
}

} // namespace shipit::supervise

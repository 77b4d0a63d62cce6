// Connections to an address that no program of the live generation accepts from.
//
// The kernel takes the narrowest address that fits: where one generation listens on 0.0.0.0 and the
// other on 127.0.0.1, local clients come to the latter, whoever is live. Its slots exist as soon as
// one of the two has bound it. While it is the live one that has not, they are carried to its wider
// address, which is asked by a way that the narrow one is not in.

#include "core/supervise/addresses_core.hpp"

#include <algorithm>
#include <iterator>

#include <sys/socket.h>

namespace shipit::supervise {

namespace {

// For a handshake that has begun; in vain for one that takes longer, which is begun anew.
constexpr milliseconds time_to_leave{50};

bool is_dual(const TcpAddress& address) {
    return address.family == AF_INET6 && address.is_any() && !address.v6_only;
}

// Whether connections to `narrow` would come to `wide` if that alone were there.
bool covers(const TcpAddress& wide, const TcpAddress& narrow) {
    if (wide == narrow || wide.port != narrow.port || !wide.is_any() ||
        (wide.device != 0 && wide.device != narrow.device))
        return false;
    return wide.family == narrow.family ? !narrow.is_any() || is_dual(wide)
                                        : is_dual(wide) && narrow.family == AF_INET;
}

TcpAddress v6_loopback(std::uint16_t port) {
    TcpAddress address{AF_INET6, {}, 0, false, port};
    address.host.back() = 1;
    return address;
}

bool has_v6_loopback() {
    const sys::Fd fd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_storage name{};
    const socklen_t length = v6_loopback(0).put_into(name);
    return fd && ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&name), length) == 0;
}

// The ways in which this host may reach an address that takes more than one.
std::vector<TcpAddress> ways_to(const TcpAddress& address) {
    if (!address.is_any())
        return {address};
    std::vector<TcpAddress> ways;
    const auto add = [&](const TcpAddress& way) { ways.push_back(way); };
    constexpr std::uint8_t last_host = 254;
    if (address.family == AF_INET || is_dual(address))
        for (std::uint8_t host = 1; host <= last_host; ++host)
            add({AF_INET, {127, 0, 0, host}, 0, false, address.port});
    if (address.family == AF_INET6 && has_v6_loopback())
        add(v6_loopback(address.port));
    return ways;
}

} // namespace

// The type whose an address is on that side, or one that it overlaps with, so that another type
// cannot have it; empty: nobody's.
std::string Addresses::owner_of(const TcpAddress& wanted, Side side, std::string_view type) const {
    const std::vector<std::uint16_t>& of_web = m_web_ports[at(side)];
    if (std::find(of_web.begin(), of_web.end(), wanted.port) != of_web.end())
        return type == "web" ? "" : "web"; // also before it listens
    for (const auto& each : m_addresses) {
        const TcpAddress& name = each->slots.address();
        if (name != wanted && !covers(name, wanted) && !covers(wanted, name))
            continue;
        for (const std::string& listener : each->listeners[at(side)])
            if (type_of(listener) != type)
                return std::string(type_of(listener));
    }
    return {};
}

// IPv6's wildcard comes in two forms, with IPv4's clients and without. What the kernel would tell
// apart by who listened first, or leave no way to from here, is one of those that are there:
// - without: the slots of the one with;
// - with, where IPv4's wildcard and what else there is take all that comes to it from here: the
//   slots of that, to which what comes by IPv6 is carried.
// Null: it is to have slots of its own.
Addresses::Address* Addresses::stand_in_for(const TcpAddress& wanted) const {
    if (wanted.family != AF_INET6 || !wanted.is_any())
        return nullptr;
    if (wanted.v6_only)
        return find({AF_INET6, {}, 0, false, wanted.port});
    return way_to(wanted) ? nullptr : find({AF_INET, {}, 0, false, wanted.port});
}

// Of one that IPv4's wildcard stands in for.
void Addresses::make_v6_side(const TcpAddress& wanted, int like) {
    TcpAddress v6 = wanted;
    v6.v6_only = true;
    if (find(v6) != nullptr)
        return;
    close_leaving(Leaving::all); // as in slots_for()
    try {
        add(std::make_unique<Address>(Slots(v6, like, m_steering)));
    } catch (const SlotError&) { // there is no IPv6
    }
}

TcpAddress Addresses::Address::name_on(Side side) const {
    const std::uint16_t port = slots.address().port;
    return takes_both[at(side)] ? TcpAddress{AF_INET6, {}, 0, false, port} : slots.address();
}

// The address of that side, if there is one, that has what this one keeps from it.
const Addresses::Address* Addresses::behind(const Address& address, Side side) const {
    const Address* found = nullptr;
    for (const auto& each : m_addresses)
        if (each.get() != &address && each->claimed[at(side)] &&
            covers(each->name_on(side), address.slots.address()) &&
            (found == nullptr || covers(found->name_on(side), each->name_on(side))))
            found = each.get();
    return found;
}

bool Addresses::is_in_the_way(const Address& address) const {
    return !address.claimed[at(m_steering.live)] && !address.stays &&
           behind(address, m_steering.live) != nullptr;
}

// The narrower one that what goes that way comes to instead; null: there is none.
const Addresses::Address* Addresses::taker_of(const TcpAddress& way, const TcpAddress& from) const {
    const auto taker = std::find_if(m_addresses.begin(), m_addresses.end(), [&](const auto& each) {
        const TcpAddress& name = each->slots.address();
        return covers(from, name) && (name == way || covers(name, way) ||
                                      (name.host == way.host && name.family == way.family));
    });
    return taker == m_addresses.end() ? nullptr : taker->get();
}

// Nothing if narrower ones are in all ways.
std::optional<TcpAddress> Addresses::way_to(const TcpAddress& wanted) const {
    for (const TcpAddress& way : ways_to(wanted))
        if (taker_of(way, wanted) == nullptr)
            return way;
    return std::nullopt;
}

void Addresses::relay(Address& address, Side side) {
    auto& relay = address.relays[at(side)];
    const auto open = [&](const TcpAddress& target) {
        if (!relay)
            relay = std::make_unique<Relay>(m_loop, address.slots.socket(side));
        relay->open(target);
    };
    const bool is_live = side == m_steering.live;
    if (is_live && is_in_the_way(address)) {
        address.bypassed[at(side)] = true;
        if (const auto way = way_to(behind(address, side)->slots.address()))
            open(*way);
        return;
    }
    if (!is_live && !m_occupied[at(side)])
        return open(address.slots.address().from_here());
    // What came before the switch still does.
    if (!is_live && address.bypassed[at(side)] && !address.claimed[at(side)])
        return;
    address.bypassed[at(side)] = false;
    if (relay)
        relay->close();
}

void Addresses::relay_all() {
    for (const auto& address : m_addresses)
        for (const Side side : sides)
            relay(*address, side);
}

// Addresses of earlier generations that the live one does not use.
void Addresses::close_unused() {
    close_all_but([this](const Address& address) { return is_used(address); });
}

bool Addresses::is_used(const Address& address) const {
    const TcpAddress& name = address.slots.address();
    const auto is_of = [&](Side side) {
        // What comes to it is carried to one that takes both, and would be refused without it.
        const bool is_v6_side =
            name.is_any() && name.v6_only &&
            std::any_of(m_addresses.begin(), m_addresses.end(), [&](const auto& each) {
                return each->takes_both[at(side)] && each->slots.address().port == name.port;
            });
        return address.claimed[at(side)] || is_v6_side;
    };
    const Side idle = other(m_steering.live);
    return is_of(m_steering.live) || (is_of(idle) && m_occupied[at(idle)]);
}

void Addresses::close_all_but(const std::function<bool(const Address&)>& is_kept) {
    std::set<const Address*> kept; // first: each is judged by the others
    for (const auto& address : m_addresses)
        if (is_kept(*address))
            kept.insert(address.get());
    const auto unused =
        std::stable_partition(m_addresses.begin(), m_addresses.end(),
                              [&](const auto& address) { return kept.count(address.get()) != 0; });
    for (auto address = unused; address != m_addresses.end(); ++address)
        begin_end(**address); // which looks at them all
    std::move(unused, m_addresses.end(), std::back_inserter(m_leaving));
    m_addresses.erase(unused, m_addresses.end());
    close_leaving(Leaving::alone);
    if (!m_leaving.empty())
        m_close = m_loop.after(time_to_leave, [this] { close_leaving(Leaving::all); });
}

// Where there is a wider address that connections will come to when this one is gone, those that
// have come to this one are not cut.
void Addresses::begin_end(Address& address) {
    const Address* wide = behind(address, m_steering.live);
    const auto way = wide != nullptr ? way_to(wide->slots.address()) : std::nullopt;
    address.is_followed = way.has_value();
    if (!way)
        return;
    address.slots.step_aside();
    for (const Side side : sides) {
        auto& relay = address.relays[at(side)];
        if (!relay)
            relay = std::make_unique<Relay>(m_loop, address.slots.socket(side));
        relay->open(*way);
    }
}

void Addresses::close_leaving(Leaving which) {
    std::erase_if(m_last, [](const auto& relay) { return relay->is_idle(); });
    for (const auto& address : m_leaving) {
        if (address->is_followed && which == Leaving::alone)
            continue;
        for (auto& relay : address->relays) {
            if (!relay)
                continue;
            address->is_followed ? relay->finish() : relay->close();
            m_last.push_back(std::move(relay));
        }
    }
    std::erase_if(m_leaving, [which](const auto& address) {
        return !address->is_followed || which == Leaving::all;
    });
}

// --- Addresses that programs have closed again, which nobody tells us ---

bool Addresses::is_open(Side side, std::uint16_t port) const {
    return std::any_of(m_addresses.begin(), m_addresses.end(), [&](const auto& address) {
        return address->slots.address().port == port && !address->listeners[at(side)].empty() &&
               is_held(address->slots.inode(side), address->holders[at(side)]);
    });
}

// Which addresses of that side are its no more; close_abandoned() ends those that are nobody's.
void Addresses::find_closed(Side side, Closed which) {
    for (const auto& address : m_addresses) {
        const bool is_looked_at = address->claimed[at(side)] &&
                                  (which == Closed::any || behind(*address, side) != nullptr);
        if (!is_looked_at || is_held(address->slots.inode(side), address->holders[at(side)]))
            continue;
        address->claimed[at(side)] = false;
        address->takes_both[at(side)] = false;
        address->listeners[at(side)].clear();
        address->is_abandoned = true;
    }
}

void Addresses::close_abandoned() {
    const auto is_kept = [this](const Address& address) {
        return !address.is_abandoned || is_used(address);
    };
    close_all_but(is_kept);
}

bool Addresses::is_idle() const {
    const auto is_idle = [](const auto& relay) { return !relay || relay->is_idle(); };
    return m_unix.is_idle() && m_leaving.empty() &&
           std::all_of(m_last.begin(), m_last.end(), is_idle) &&
           std::all_of(m_addresses.begin(), m_addresses.end(), [&](const auto& address) {
               return std::all_of(std::begin(address->relays), std::end(address->relays), is_idle);
           });
}

} // namespace shipit::supervise

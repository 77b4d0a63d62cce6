// From one supervisor to the next: the slots, as long as a process holds them.

#include "core/supervise/addresses_core.hpp"

#include "core/base/error.hpp"
#include "core/sys/shortage.hpp"

#include <algorithm>

#include <fmt/core.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace shipit::supervise {

namespace {

// A slot as it was written down.
struct SavedSlot {
    Side side;
    ino_t inode;
    std::int64_t place;
};

std::vector<SavedSlot> slots_in(const Json& json) {
    std::vector<SavedSlot> slots;
    for (const Side side : sides) {
        const Json& slot = json["slots"][name_of(side)];
        if (slot.is_object())
            slots.push_back(
                {side, static_cast<ino_t>(slot["inode"].integer()), slot["place"].integer()});
    }
    // As they stand in the kernel's group, which closing one does not change for the other.
    std::sort(slots.begin(), slots.end(),
              [](const SavedSlot& a, const SavedSlot& b) { return a.place < b.place; });
    return slots;
}

enum class Found { taken, nobody, refused };

Found take(ino_t inode, const std::vector<pid_t>& holders, sys::Fd& socket) {
    for (const pid_t holder : holders) {
        const auto descriptor = descriptor_of(holder, inode);
        if (!descriptor)
            continue;
        const sys::Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, holder, 0U)));
        if (pidfd)
            socket.reset(
                static_cast<int>(::syscall(SYS_pidfd_getfd, pidfd.get(), *descriptor, 0U)));
        if (!socket && sys::is_shortage(errno))
            throw_errno("cannot take a socket back from the app's processes");
        return socket ? Found::taken : Found::refused;
    }
    return Found::nobody;
}

// False if a slot is held by a process that does not give it. Throws Error where we could take it
// at another time. Nothing is kept where nobody holds any. `Kept` is Slots' or UnixSlots'.
template <class Kept>
bool take_all(const Json& json, const std::vector<pid_t>& holders, std::vector<Kept>& kept) {
    for (const SavedSlot& slot : slots_in(json)) {
        sys::Fd socket;
        const Found found = take(slot.inode, holders, socket);
        if (found == Found::refused)
            return false;
        if (found == Found::taken)
            kept.push_back({slot.side, std::move(socket)});
    }
    return true;
}

Json json_of(const std::vector<std::uint16_t>& ports) {
    Json json = Json::array();
    for (const std::uint16_t port : ports)
        json.push_back(unsigned{port});
    return json;
}

std::vector<std::uint16_t> ports_from(const Json& json) {
    std::vector<std::uint16_t> ports;
    for (const Json& port : json.items())
        ports.push_back(static_cast<std::uint16_t>(port.integer()));
    return ports;
}

} // namespace

Json Addresses::state() const {
    Json all = Json::array();
    for (const auto& address : m_addresses) {
        Json slots = Json::object();
        for (const Side side : sides) {
            const Json listeners = Json::array_of(address->listeners[at(side)]);
            slots.set(name_of(side),
                      Json::object({{"inode", std::uint64_t{address->slots.inode(side)}},
                                    {"place", address->slots.place(side)},
                                    {"takes_both", address->takes_both[at(side)]},
                                    {"listeners", listeners}}));
        }
        all.push_back(
            Json::object({{"address", address->slots.address().json()}, {"slots", slots}}));
    }
    const Json sockets = m_unix.state();
    for (const Json& socket : sockets.items())
        all.push_back(socket);
    return all;
}

bool Addresses::take_back(const Json& state, const std::vector<pid_t>& holders) {
    bool all = true;
    for (const Json& json : state.items()) {
        const bool is_taken = json["socket"].is_null() ? take_address_back(json, holders)
                                                       : take_socket_back(json, holders);
        all = all && is_taken;
    }
    return all;
}

bool Addresses::take_address_back(const Json& state, const std::vector<pid_t>& holders) {
    const auto name = TcpAddress::from(state["address"]);
    std::vector<Slots::Kept> kept;
    if (!name || !take_all(state, holders, kept))
        return false;
    if (kept.empty())
        return true; // nobody serves there any more
    try {
        auto address = std::make_unique<Address>(Slots(*name, std::move(kept), m_steering));
        for (const Side side : sides) {
            address->takes_both[at(side)] = state["slots"][name_of(side)]["takes_both"].boolean();
            for (const Json& process : state["slots"][name_of(side)]["listeners"].items()) {
                address->listeners[at(side)].insert(process.text());
                address->claimed[at(side)] = true;
            }
        }
        add(std::move(address));
        return true;
    } catch (const SlotError& error) {
        if (sys::is_shortage(error.error_number))
            throw_errno(fmt::format("cannot take {} back", name->text()), error.error_number);
        m_callbacks.note(
            fmt::format("cannot take {} back: {}", name->text(), errno_text(error.error_number)));
        return false;
    }
}

bool Addresses::take_socket_back(const Json& state, const std::vector<pid_t>& holders) {
    std::vector<UnixSlots::Kept> kept;
    if (!take_all(state, holders, kept))
        return false;
    if (kept.empty())
        return true;
    try {
        m_unix.restore(state, std::move(kept));
        return true;
    } catch (const Error& error) {
        m_callbacks.note(error.why());
        return false;
    }
}

Json Addresses::memory(Bequest& bequest) const {
    Json ports = Json::array();
    Json web_ports = Json::array();
    Json occupied = Json::array();
    for (const Side side : sides) {
        ports.push_back(json_of(m_ports[at(side)]));
        web_ports.push_back(json_of(m_web_ports[at(side)]));
        occupied.push_back(m_occupied[at(side)]);
    }
    Json addresses = state();
    Json all = Json::array();
    for (std::size_t i = 0; i < m_addresses.size(); ++i) {
        const Address& address = *m_addresses[i];
        all.push_back(Json::object({{"state", addresses.items()[i]},
                                    {"stays", address.stays},
                                    {"a", bequest.pass(address.slots.socket(Side::a))},
                                    {"b", bequest.pass(address.slots.socket(Side::b))},
                                    {"claimed_a", address.claimed[at(Side::a)]},
                                    {"claimed_b", address.claimed[at(Side::b)]}}));
    }
    Json watched = Json::array();
    for (const auto& each : m_watched)
        watched.push_back(Json::object({{"slot", name_of(each->side)},
                                        {"process", each->process},
                                        {"calls", bequest.pass(each->watch->notifications())}}));
    return Json::object({{"live", name_of(m_steering.live)},
                         {"ports", ports},
                         {"web_ports", web_ports},
                         {"occupied", occupied},
                         {"addresses", all},
                         {"watched", watched},
                         {"unix", m_unix.memory(bequest)}});
}

void Addresses::recall(const Json& memory) {
    m_steering.live = side_from(memory["live"].text());
    m_steering.probed = other(m_steering.live);
    for (const Side side : sides) {
        if (memory["ports"].items().size() != 2 || memory["occupied"].items().size() != 2)
            throw Error("addresses without their two sides");
        m_occupied[at(side)] = memory["occupied"].items()[at(side)].boolean();
        m_ports[at(side)] = ports_from(memory["ports"].items()[at(side)]);
        if (memory["web_ports"].items().size() == 2) // else it is an earlier shipit's
            m_web_ports[at(side)] = ports_from(memory["web_ports"].items()[at(side)]);
    }
    for (const Json& each : memory["addresses"].items())
        recall_address(each);
    relay_all();                    // each may be in the way of any other
    if (memory["unix"].is_object()) // else it is an earlier shipit's
        m_unix.recall(memory["unix"]);
    for (const Json& each : memory["watched"].items())
        watch(side_from(each["slot"].text()), each["process"].text(), inherited(each["calls"]));
}

void Addresses::recall_address(const Json& memory) {
    const auto name = TcpAddress::from(memory["state"]["address"]);
    if (!name)
        throw Error("an address that is none");
    std::vector<Slots::Kept> kept;
    for (const SavedSlot& slot : slots_in(memory["state"]))
        kept.push_back({slot.side, inherited(memory[name_of(slot.side)])});
    try {
        auto recalled = std::make_unique<Address>(Slots(*name, std::move(kept), m_steering));
        recalled->stays = memory["stays"].boolean();
        recalled->claimed[at(Side::a)] = memory["claimed_a"].boolean();
        recalled->claimed[at(Side::b)] = memory["claimed_b"].boolean();
        for (const Side side : sides) {
            const Json& slot = memory["state"]["slots"][name_of(side)];
            recalled->takes_both[at(side)] = slot["takes_both"].boolean();
            for (const Json& process : slot["listeners"].items())
                recalled->listeners[at(side)].insert(process.text());
        }
        Address& address = add(std::move(recalled));
        if (address.stays)
            steer(address);
    } catch (const SlotError& error) {
        throw Error(
            fmt::format("cannot go on with {}: {}", name->text(), errno_text(error.error_number)));
    }
}

} // namespace shipit::supervise

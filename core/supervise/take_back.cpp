// From one supervisor to the next: the slots, as long as a process holds them.

#include "core/supervise/addresses_core.hpp"

#include "core/base/error.hpp"

#include <algorithm>

#include <fmt/core.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace shipit::supervise {

namespace {

constexpr Side sides[] = {Side::a, Side::b};

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
        socket.reset(static_cast<int>(::syscall(SYS_pidfd_getfd, pidfd.get(), *descriptor, 0U)));
        return socket ? Found::taken : Found::refused;
    }
    return Found::nobody;
}

// False if a slot is held by a process that does not give it. Nothing is kept where nobody holds
// any.
bool take_all(const Json& json, const std::vector<pid_t>& holders, std::vector<Slots::Kept>& kept) {
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

} // namespace

Json Addresses::state() const {
    Json all = Json::array();
    for (const auto& address : m_addresses) {
        Json slots = Json::object();
        for (const Side side : sides) {
            Json listeners = Json::array();
            for (const std::string& process : address->listeners[at(side)])
                listeners.push_back(process);
            slots.set(name_of(side),
                      Json::object({{"inode", std::uint64_t{address->slots.inode(side)}},
                                    {"place", address->slots.place(side)},
                                    {"listeners", listeners}}));
        }
        all.push_back(
            Json::object({{"address", address->slots.address().json()}, {"slots", slots}}));
    }
    return all;
}

bool Addresses::take_back(const Json& state, const std::vector<pid_t>& holders) {
    bool all = true;
    for (const Json& json : state.items()) {
        const auto name = TcpAddress::from(json["address"]);
        std::vector<Slots::Kept> kept;
        if (!name || !take_all(json, holders, kept)) {
            all = false;
            continue;
        }
        if (kept.empty())
            continue; // nobody serves there any more
        try {
            Address& address =
                add(std::make_unique<Address>(Slots(*name, std::move(kept), m_steering)));
            for (const Side side : sides)
                for (const Json& process : json["slots"][name_of(side)]["listeners"].items()) {
                    address.listeners[at(side)].insert(process.text());
                    address.claimed[at(side)] = true;
                }
        } catch (const SlotError& error) {
            m_callbacks.note(fmt::format("cannot take {} back: {}", name->text(),
                                         errno_text(error.error_number)));
            all = false;
        }
    }
    return all;
}

} // namespace shipit::supervise

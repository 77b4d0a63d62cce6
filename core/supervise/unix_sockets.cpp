#include "core/supervise/unix_sockets.hpp"

#include "core/base/error.hpp"
#include "core/supervise/port.hpp"
#include "core/supervise/socket_path.hpp"

#include <algorithm>

#include <fmt/core.h>
#include <sys/stat.h>

namespace shipit::supervise {

namespace {

std::set<std::string> set_of(const Json& array) {
    std::set<std::string> texts;
    for (const Json& text : array.items())
        texts.insert(text.text());
    return texts;
}

} // namespace

struct UnixSockets::Socket {
    explicit Socket(UnixSlots the_slots) : slots(std::move(the_slots)) {}

    UnixSlots slots;
    std::set<std::string> listeners[2]; // programs of each side
    std::set<std::string> binders[2];   // those that are about to listen, too
    bool claimed[2] = {false, false};   // the generation on that side has it
    std::unique_ptr<Relay> relays[2];
};

UnixSockets::UnixSockets(Loop& loop, std::function<void(const std::string&)> note)
    : m_loop(loop), m_note(std::move(note)) {}

UnixSockets::~UnixSockets() = default;

UnixSockets::Socket* UnixSockets::find(const Path& socket) const {
    for (const auto& each : m_sockets)
        if (each->slots.path() == socket)
            return each.get();
    return nullptr;
}

// --- Sides ---

void UnixSockets::occupy(Side side) {
    m_occupied[at(side)] = true;
    for (const auto& socket : m_sockets) {
        socket->listeners[at(side)].clear();
        socket->binders[at(side)].clear();
        socket->claimed[at(side)] = false;
        relay(*socket, side);
    }
}

void UnixSockets::vacate(Side side) {
    m_occupied[at(side)] = false;
    const Side idle = other(m_live);
    std::erase_if(m_sockets, [&](const auto& socket) {
        const bool is_used =
            socket->claimed[at(m_live)] || (socket->claimed[at(idle)] && m_occupied[at(idle)]);
        if (!is_used)
            socket->slots.remove();
        return !is_used;
    });
    for (const auto& socket : m_sockets)
        relay(*socket, side);
}

void UnixSockets::go_live(Side side) {
    m_live = side;
    std::optional<Error> why_not;
    for (const auto& socket : m_sockets) {
        try {
            lead(*socket);
        } catch (const Error& error) {
            why_not = error;
        }
        for (const Side each : sides)
            relay(*socket, each);
    }
    if (why_not)
        throw std::move(*why_not);
}

// A socket that only the other generation has goes on to be its, until it is gone.
void UnixSockets::lead(const Socket& socket) const {
    if (socket.claimed[at(m_live)])
        socket.slots.go_live(m_live);
}

// What came to a side before its generation was gone is carried to the live one.
void UnixSockets::relay(Socket& socket, Side side) const {
    auto& relay = socket.relays[at(side)];
    if (side != m_live && !m_occupied[at(side)]) {
        if (!relay)
            relay = std::make_unique<Relay>(m_loop, socket.slots.socket(side));
        return relay->open(
            [way = socket.slots.entrance(m_live)] { return begin_connecting_to(way); });
    }
    if (relay)
        relay->close();
}

bool UnixSockets::has_waiting(Side side) const {
    return std::any_of(m_sockets.begin(), m_sockets.end(),
                       [side](const auto& socket) { return socket->slots.has_waiting(side); });
}

void UnixSockets::close() {
    for (const auto& socket : m_sockets)
        socket->slots.remove();
    m_sockets.clear();
}

bool UnixSockets::is_idle() const {
    return std::all_of(m_sockets.begin(), m_sockets.end(), [](const auto& socket) {
        return std::all_of(std::begin(socket->relays), std::end(socket->relays),
                           [](const auto& relay) { return !relay || relay->is_idle(); });
    });
}

// --- Programs ---

void UnixSockets::prepare(Side side, const Path& path, const std::optional<sys::Account>& user) {
    Socket* socket = find(path);
    if (socket == nullptr) {
        m_sockets.push_back(std::make_unique<Socket>(UnixSlots(path)));
        socket = m_sockets.back().get();
        relay(*socket, other(side));
    }
    socket->claimed[at(side)] = true;
    socket->slots.give_names(side, user);
    // Some programs take it for a sign of another one that their name is there.
    if (socket->listeners[at(side)].empty() && socket->binders[at(side)].empty())
        socket->slots.renew_names(side);
    if (side == m_live)
        socket->slots.go_live(side);
}

int UnixSockets::give(Side side, const std::string& process, const Path& path) {
    Socket& socket = *find(path);
    if (socket.listeners[at(side)].empty()) // as Addresses::give()
        socket.slots.carry_over(new_unix_socket(path).get(), side);
    socket.slots.show(side);
    socket.listeners[at(side)].insert(process);
    return socket.slots.socket(side);
}

std::optional<int> UnixSockets::bound(Side side, const std::string& process, const BindCall& call) {
    for (const auto& socket : m_sockets) {
        if (call.path != told_name(socket->slots.path(), side))
            continue;
        const bool is_shared =
            !socket->binders[at(side)].empty() && is_open_elsewhere(socket->slots.inode(side));
        socket->binders[at(side)].insert(process);
        socket->slots.show(side);
        socket->slots.carry_over(call.socket.get(), side,
                                 is_shared ? Sharers::some : Sharers::none);
        return socket->slots.socket(side);
    }
    return std::nullopt;
}

bool UnixSockets::listens(Side side, const std::string& process, ino_t inode) {
    for (const auto& socket : m_sockets) {
        if (socket->slots.inode(side) != inode)
            continue;
        socket->listeners[at(side)].insert(process);
        return true;
    }
    return false;
}

void UnixSockets::forget(Side side, const std::string& process) {
    for (const auto& socket : m_sockets) {
        socket->listeners[at(side)].erase(process);
        socket->binders[at(side)].erase(process);
    }
}

bool UnixSockets::is_listening(Side side, const std::string& process) const {
    return std::any_of(m_sockets.begin(), m_sockets.end(), [&](const auto& socket) {
        return socket->listeners[at(side)].contains(process);
    });
}

Path UnixSockets::entrance(Side side, const std::string& process, const Path& path) const {
    const Socket* socket = find(path);
    return socket != nullptr && socket->listeners[at(side)].contains(process)
               ? socket->slots.entrance(side)
               : Path();
}

// --- The next supervisor ---

Json UnixSockets::state() const {
    Json all = Json::array();
    for (const auto& socket : m_sockets) {
        Json slots = Json::object();
        for (const Side side : sides) {
            slots.set(name_of(side),
                      Json::object({{"inode", std::uint64_t{socket->slots.inode(side)}},
                                    {"binders", Json::array_of(socket->binders[at(side)])},
                                    {"listeners", Json::array_of(socket->listeners[at(side)])},
                                    {"claimed", socket->claimed[at(side)]}}));
        }
        all.push_back(
            Json::object({{"socket", hex_of(socket->slots.path().string())}, {"slots", slots}}));
    }
    return all;
}

void UnixSockets::restore(const Json& state, std::vector<UnixSlots::Kept> kept) {
    auto socket = std::make_unique<Socket>(
        UnixSlots(Path(bytes_of_hex(state["socket"].text())), std::move(kept)));
    for (const Side side : sides) {
        const Json& slot = state["slots"][name_of(side)];
        socket->claimed[at(side)] = slot["claimed"].boolean();
        socket->binders[at(side)] = set_of(slot["binders"]);
        socket->listeners[at(side)] = set_of(slot["listeners"]);
    }
    m_sockets.push_back(std::move(socket));
    try {
        lead(*m_sockets.back());
    } catch (const Error& error) { // it leads where it led before
        m_note(error.why());
    }
    for (const Side side : sides)
        relay(*m_sockets.back(), side);
}

Json UnixSockets::memory(Bequest& bequest) const {
    const Json states = state();
    Json all = Json::array();
    for (std::size_t i = 0; i < m_sockets.size(); ++i)
        all.push_back(Json::object({{"state", states.items()[i]},
                                    {"a", bequest.pass(m_sockets[i]->slots.socket(Side::a))},
                                    {"b", bequest.pass(m_sockets[i]->slots.socket(Side::b))}}));
    return Json::object({{"live", name_of(m_live)},
                         {"occupied_a", m_occupied[at(Side::a)]},
                         {"occupied_b", m_occupied[at(Side::b)]},
                         {"sockets", all}});
}

void UnixSockets::recall(const Json& memory) {
    m_live = side_from(memory["live"].text());
    m_occupied[at(Side::a)] = memory["occupied_a"].boolean();
    m_occupied[at(Side::b)] = memory["occupied_b"].boolean();
    for (const Json& each : memory["sockets"].items()) {
        std::vector<UnixSlots::Kept> kept;
        for (const Side side : sides)
            kept.push_back({side, inherited(each[name_of(side)])});
        restore(each["state"], std::move(kept));
    }
}

} // namespace shipit::supervise

#include "core/supervise/control.hpp"

#include "core/base/error.hpp"

#include <algorithm>
#include <cerrno>

#include <sys/socket.h>
#include <unistd.h>

namespace shipit::supervise {

namespace {

constexpr std::size_t request_chunk = 64 << 10;
constexpr milliseconds rest_after_failure{200};

bool may_command(int connection) {
    ucred peer{};
    socklen_t size = sizeof peer;
    return ::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == 0 || peer.uid == ::geteuid());
}

} // namespace

struct Control::Client {
    sys::Fd fd;
    Loop::Watch watch;
    Loop::Timer patience;
    std::string received;
    std::size_t searched = 0; // of that, for the end of a line
    std::string unsent;
    bool has_asked = false;
    bool finishing = false;
};

Control::Control(Loop& loop, const Path& run_folder, ControlLimits limits)
    : m_loop(loop), m_socket(run_folder / control_socket_name), m_limits(limits),
      m_fd(listen_at(m_socket)), m_watch(loop.watch(m_fd.get())) {}

Control::Control(Loop& loop, const Path& run_folder, const Json& memory)
    : m_loop(loop), m_socket(run_folder / control_socket_name), m_fd(inherited(memory["socket"])),
      m_watch(loop.watch(m_fd.get())), m_next(static_cast<ClientId>(memory["next"].integer(1))) {
    for (const Json& each : memory["clients"].items()) {
        const auto id = static_cast<ClientId>(each["id"].integer());
        Client& client = add(id, inherited(each["connection"]));
        client.received = bytes_of_hex(each["received"].text());
        client.unsent = bytes_of_hex(each["unsent"].text());
        client.has_asked = each["has_asked"].boolean();
        client.finishing = each["finishing"].boolean();
        if (client.finishing)
            client.patience = m_loop.after(m_limits.first_request, [this, id] { drop(id); });
        else if (!client.has_asked)
            client.patience = m_loop.after(m_limits.first_request,
                                           [this, id] { refuse(id, "no request came in time"); });
        m_loop.post([this, id] {
            write_to(id);
            take_lines(id);
        });
    }
}

Json Control::memory(Bequest& bequest) const {
    Json clients = Json::array();
    for (const auto& [id, client] : m_clients)
        clients.push_back(Json::object({{"id", id},
                                        {"connection", bequest.pass(client->fd.get())},
                                        {"received", hex_of(client->received)},
                                        {"unsent", hex_of(client->unsent)},
                                        {"has_asked", client->has_asked},
                                        {"finishing", client->finishing}}));
    return Json::object(
        {{"socket", bequest.pass(m_fd.get())}, {"next", m_next}, {"clients", clients}});
}

Control::~Control() {
    (void)::unlink(m_socket.c_str());
}

void Control::serve(OnRequest on_request, OnGone on_gone) {
    m_on_request = std::move(on_request);
    m_on_gone = std::move(on_gone);
    m_watch.when_readable([this] { accept(); });
}

void Control::accept() {
    sys::Fd connection(::accept4(m_fd.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!connection && errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
        m_rest = m_loop.after(rest_after_failure,
                              [this] { m_watch.when_readable([this] { accept(); }); });
        return;
    }
    m_watch.when_readable([this] { accept(); });
    if (connection && may_command(connection.get()) && m_clients.size() < m_limits.clients)
        take_in(std::move(connection));
}

void Control::take_in(sys::Fd connection) {
    const ClientId id = m_next++;
    add(id, std::move(connection)).patience =
        m_loop.after(m_limits.first_request, [this, id] { refuse(id, "no request came in time"); });
}

Control::Client& Control::add(ClientId id, sys::Fd connection) {
    auto client = std::make_unique<Client>();
    client->fd = std::move(connection);
    client->watch = m_loop.watch(client->fd.get());
    client->watch.when_readable([this, id] { read_from(id); });
    return *m_clients.emplace(id, std::move(client)).first->second;
}

Control::Client* Control::find(ClientId id) {
    const auto found = m_clients.find(id);
    return found != m_clients.end() ? found->second.get() : nullptr;
}

void Control::read_from(ClientId id) {
    Client* client = find(id);
    if (client == nullptr)
        return;
    char chunk[request_chunk];
    const ssize_t got = ::read(client->fd.get(), chunk, sizeof chunk);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
        const bool tell = !client->finishing;
        drop(id);
        if (tell)
            m_on_gone(id);
        return;
    }
    client->watch.when_readable([this, id] { read_from(id); });
    if (got < 0 || client->finishing) // what comes after the last answer is nobody's
        return;
    client->received.append(chunk, static_cast<std::size_t>(got));
    take_lines(id);
}

void Control::take_lines(ClientId id) {
    // Looked up anew for each line: a request's handler may finish the client.
    for (Client* client = find(id); client != nullptr && !client->finishing; client = find(id)) {
        const auto newline = client->received.find('\n', client->searched);
        client->searched = client->received.size();
        if (std::min(newline, client->received.size()) > m_limits.line)
            return refuse(id, "the request is too long");
        if (newline == std::string::npos)
            return;
        const std::string line = client->received.substr(0, newline);
        client->received.erase(0, newline + 1);
        client->searched = 0;
        client->has_asked = true;
        client->patience.cancel();
        Json request;
        try {
            request = Json::parse(line);
        } catch (const Error&) {
            return refuse(id, "the request is not JSON");
        }
        if (!request.is_object())
            return refuse(id, "the request is not an object");
        m_on_request(id, request);
    }
}

void Control::refuse(ClientId id, const std::string& why) {
    finish(id, Json::object({{"done", true}, {"ok", false}, {"why", why}}));
}

void Control::send(ClientId id, const Json& message) {
    Client* client = find(id);
    if (client == nullptr || client->finishing)
        return;
    client->unsent += message.dump() + "\n";
    if (client->unsent.size() > m_limits.unsent) {
        drop(id);
        m_loop.post([this, id] { m_on_gone(id); });
        return;
    }
    write_to(id);
}

void Control::finish(ClientId id, const Json& message) {
    send(id, message);
    Client* client = find(id);
    if (client == nullptr)
        return;
    client->finishing = true;
    client->patience = m_loop.after(m_limits.first_request, [this, id] { drop(id); });
    write_to(id);
}

void Control::write_to(ClientId id) {
    Client* client = find(id);
    if (client == nullptr)
        return;
    while (!client->unsent.empty()) {
        const ssize_t sent =
            ::send(client->fd.get(), client->unsent.data(), client->unsent.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno == EAGAIN)
            return client->watch.when_writable([this, id] { write_to(id); });
        if (sent < 0)
            return; // the reading side will notice that it is gone
        client->unsent.erase(0, static_cast<std::size_t>(sent));
    }
    if (client->finishing)
        (void)::shutdown(client->fd.get(), SHUT_WR); // closed when the client has closed, too
}

void Control::drop(ClientId id) {
    m_clients.erase(id);
}

} // namespace shipit::supervise

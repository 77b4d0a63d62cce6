// The supervisor's side of the control socket: lines of JSON from people who may command it.
//
// A peer is root or the supervisor's own user (SO_PEERCRED); others are cut off without a word. A
// client that sends too long a line, no JSON, or no request in time is told so and cut off, and one
// that does not read what it is sent is cut off too.
#pragma once

#include "core/base/json.hpp"
#include "core/supervise/bequest.hpp"
#include "core/supervise/loop.hpp"
#include "core/supervise/socket_path.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>

namespace shipit::supervise {

using ClientId = std::uint64_t; // never reused

struct ControlLimits {
    std::size_t line = 64 << 20; // a generation has all config vars once for each process
    std::size_t unsent = 8 << 20;
    std::size_t clients = 32;
    milliseconds first_request = std::chrono::seconds(10);
};

class Control {
  public:
    using OnRequest = std::function<void(ClientId, const Json&)>;
    using OnGone = std::function<void(ClientId)>; // the client hung up; not after finish()

    // Listens in `run_folder`. Throws Error if it cannot.
    Control(Loop& loop, const Path& run_folder, ControlLimits limits = {});
    // Goes on where the program before this one, in the same process, was: clients notice nothing.
    Control(Loop& loop, const Path& run_folder, const Json& memory);
    ~Control();
    Control(const Control&) = delete;
    Control& operator=(const Control&) = delete;

    void serve(OnRequest on_request, OnGone on_gone);

    // To a client that is there; nothing happens if it is gone.
    void send(ClientId client, const Json& message);
    // The last message, after which the connection is closed.
    void finish(ClientId client, const Json& message);
    // For the program that takes our place by execve(2).
    [[nodiscard]] Json memory(Bequest& bequest) const;

  private:
    struct Client;
    void accept();
    void take_in(sys::Fd connection);
    Client& add(ClientId id, sys::Fd connection);
    void read_from(ClientId id);
    void take_lines(ClientId id);
    void write_to(ClientId id);
    void refuse(ClientId id, const std::string& why);
    void drop(ClientId id);
    [[nodiscard]] Client* find(ClientId id);

    Loop& m_loop;
    Path m_socket;
    ControlLimits m_limits;
    sys::Fd m_fd;
    Loop::Watch m_watch;
    Loop::Timer m_rest; // after accept(2) failed for want of descriptors
    OnRequest m_on_request;
    OnGone m_on_gone;
    ClientId m_next = 1;
    std::map<ClientId, std::unique_ptr<Client>> m_clients;
};

} // namespace shipit::supervise

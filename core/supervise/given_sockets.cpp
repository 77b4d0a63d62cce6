#include "core/supervise/given_sockets.hpp"

#include "core/base/error.hpp"
#include "core/supervise/socket_path.hpp"

#include <fmt/core.h>
#include <sys/socket.h>

namespace shipit::supervise {

namespace {

sys::Fd own_socket(const Path& socket, Side side) {
    const Path name = told_name(socket, side);
    sys::Fd fd = bound_at(name, everybody);
    if (::listen(fd.get(), slot_backlog) != 0)
        throw_errno(fmt::format("cannot listen on '{}'", name.string()));
    return fd;
}

} // namespace

GivenSockets::GivenSockets(Addresses* addresses, Side side, const Program& program) {
    if (program.is_given_socket) {
        if (addresses != nullptr)
            m_all.push_back(
                {addresses->unix_sockets().give(side, program.name, program.socket), {}});
        else
            m_all.push_back({m_made.emplace_back(own_socket(program.socket, side)).get(), {}});
        m_all.back().name = "socket";
    }
    for (const TcpAddress& wanted : program.sockets) {
        const TcpAddress address = wanted.possible_here();
        int descriptor = -1;
        try {
            if (addresses != nullptr)
                descriptor = addresses->give(side, program.name, address);
            else
                descriptor = m_made.emplace_back(listening_socket(address)).get();
        } catch (const SlotError& error) {
            throw Error(fmt::format("cannot listen on {}: {}", address.text(),
                                    errno_text(error.error_number)));
        }
        m_all.push_back({descriptor, std::to_string(address.port)});
    }
}

} // namespace shipit::supervise

#include "core/supervise/given_sockets.hpp"

#include "core/base/error.hpp"

#include <fmt/core.h>

namespace shipit::supervise {

GivenSockets::GivenSockets(Addresses* addresses, Side side, const Program& program) {
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

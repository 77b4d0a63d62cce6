#include "core/supervise/first_requests.hpp"

#include "core/supervise/slots.hpp"

#include <algorithm>

namespace shipit::supervise {

namespace {

constexpr milliseconds first_answer_patience = std::chrono::seconds(2);
constexpr milliseconds until_all_are_accepted{10}; // a worker that waits for one needs far less

} // namespace

FirstRequests::FirstRequests(Loop& loop, const ProbeTarget& target, std::size_t count,
                             Loop::Callback done)
    : m_done(std::move(done)), m_unanswered(std::min<std::size_t>(count, probe_ports)) {
    for (std::size_t n = 0; n < m_unanswered; ++n) {
        ProbeTarget own = target;
        own.hold = until_all_are_accepted;
        if (own.source_port != 0)
            own.source_port = static_cast<std::uint16_t>(own.source_port + n);
        m_probes.push_back(
            std::make_unique<Probe>(loop, std::move(own), first_answer_patience,
                                    [this](const ProbeResult& /*result*/) { answered(); }));
    }
}

void FirstRequests::answered() {
    if (--m_unanswered > 0)
        return;
    const Loop::Callback done = std::move(m_done); // which may destroy this
    done();
}

} // namespace shipit::supervise

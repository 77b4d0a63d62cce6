#include "core/supervise/check.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/supervise/words.hpp"
#include "core/sys/shortage.hpp"

#include <algorithm>

#include <fmt/core.h>

namespace shipit::supervise {

namespace {

constexpr milliseconds http_timeout = std::chrono::seconds(2);
constexpr milliseconds command_timeout = std::chrono::seconds(10);
constexpr std::size_t most_output = 1000;      // the end of it tells most
constexpr unsigned descriptors_of_command = 4; // its output's, and what watches it

} // namespace

Check::Kind Check::kind_for(const Generation& generation) {
    const Health& health = generation.health;
    if (!health.command.empty() && generation.face() != nullptr)
        return Kind::command;
    if (!generation.listens())
        return Kind::none; // no port, or nobody who is meant to listen on it
    return health.path.empty() ? Kind::listens : Kind::http;
}

Check::Check(Loop& loop, Kind kind, const Generation& generation, const WayIn& way_in,
             Probe::OnDone done)
    : m_loop(loop), m_done(std::move(done)) {
    switch (kind) {
    case Kind::none:
        end_soon({true, true, {}});
        break;
    case Kind::command:
        run_command(generation, way_in);
        break;
    case Kind::http:
    case Kind::listens:
        connect(kind, generation, way_in);
        break;
    }
}

std::optional<ProbeTarget> Check::target(const Generation& generation, const WayIn& way_in) {
    ProbeTarget target{generation.port.value_or(0), generation.health.path};
    target.socket = generation.socket;
    if (!way_in.is_known)
        return target;
    if (!way_in.entrance)
        return std::nullopt;
    if (!target.socket.empty()) {
        target.way = way_in.entrance->socket;
    } else {
        target.address = way_in.entrance->address;
        target.source_port = way_in.entrance->source_port;
    }
    return target;
}

void Check::connect(Kind kind, const Generation& generation, const WayIn& way_in) {
    auto whom = target(generation, way_in);
    if (!whom)
        return end_soon({false, false, "nothing listens on " + generation.place()});
    if (way_in.is_known && kind == Kind::listens) {
        // A connection would tell nothing: its slot takes it.
        const bool is_open =
            !whom->socket.empty() || way_in.addresses->is_open(way_in.side, whom->port);
        return end_soon({is_open, true,
                         is_open ? "" : "nothing listens on " + generation.place() + " any more"});
    }
    m_probe = std::make_unique<Probe>(m_loop, *std::move(whom), http_timeout,
                                      [this](const ProbeResult& result) { end(result); });
}

void Check::run_command(const Generation& generation, const WayIn& way_in) {
    const Program& face = *generation.face();
    m_command = generation.health.command;
    try {
        Launch launch;
        launch.argv = argv_of(m_command);
        launch.environment = face.environment;
        for (auto& [name, value] : launch.environment)
            if (name == "SHIPIT_PROCESS") // what it leaves behind is not the face's
                value = "health";
        if (!generation.socket.empty())
            launch.environment.emplace_back("SHIPIT_SOCKET",
                                            told_name(generation.socket, way_in.side).string());
        launch.folder = face.folder;
        launch.user = face.user;
        const auto keep_end = [this](std::string_view output) {
            m_output += output;
            m_output.erase(0, m_output.size() - std::min(m_output.size(), most_output));
        };
        const auto judge = [this](const RunCommand::End& ended) {
            if (!ended.timed_out && ended.status == WaitStatus(0))
                return end({true, true, {}});
            const std::string how = ended.timed_out
                                        ? "did not end within " + duration_text(command_timeout)
                                        : exit_text(ended.status);
            const std::string output = printable_lines(trimmed(m_output));
            end({false, true,
                 fmt::format("the health command '{}' {}{}{}", printable(m_command), how,
                             output.empty() ? "" : ": ", output)});
        };
        const bool is_led = way_in.is_known && way_in.addresses != nullptr;
        launch.reported = is_led ? Reported::connects : Reported::nothing;
        m_run = std::make_unique<RunCommand>(m_loop, std::move(launch), command_timeout, keep_end,
                                             judge);
        if (is_led)
            m_run->answer_calls(
                m_loop, [addresses = way_in.addresses, side = way_in.side](const BindCall& call) {
                    addresses->lead(side, call);
                    return BindAnswer{};
                });
    } catch (const Error& error) {
        const std::string why = "the health command cannot run: " + error.why();
        end_soon({false, true, why, !sys::lacks_descriptors(descriptors_of_command)});
    }
}

std::string Check::pending() const {
    if (m_probe)
        return m_probe->name() + " has not answered";
    return m_run ? fmt::format("the health command '{}' has not ended", printable(m_command)) : "";
}

// Not from within the constructor: the owner does not have us yet.
void Check::end_soon(ProbeResult result) {
    m_soon = m_loop.after(milliseconds(0), [this, result = std::move(result)] { end(result); });
}

void Check::end(ProbeResult result) {
    const Probe::OnDone done = std::move(m_done); // which may destroy this
    const ProbeResult kept = std::move(result);
    done(kept);
}

} // namespace shipit::supervise

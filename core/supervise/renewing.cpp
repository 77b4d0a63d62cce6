// Another program, the one of an upgrade, takes this one's place in the same process (execve(2)):
// the app's processes stay our children, and all that is open stays open. It is tried before, on a
// copy of our memory; one that fails in that leaves us as we are.

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/supervise/supervisor_core.hpp"
#include "core/supervise/tree.hpp"
#include "core/sys/limits.hpp"

#include <cerrno>
#include <utility>

#include <fmt/core.h>
#include <unistd.h>

namespace shipit::supervise {

namespace {

constexpr std::int64_t memory_version = 1; // of what is not merely added to
constexpr milliseconds rehearsal_patience = std::chrono::seconds(5);
constexpr milliseconds try_again = std::chrono::seconds(1);

} // namespace

bool is_rehearsal(int inherited) {
    const Json memory = read_memory(inherited);
    if (memory["version"].integer() != memory_version)
        throw Error("the supervisor that runs is too different from this shipit")
            .advise("stop it and start it again: shipit stop, shipit start");
    for (const char* crew : {"crew", "warm"})
        if (memory[crew].is_object())
            (void)generation_from(memory[crew]["generation"]);
    return memory["rehearsal"].boolean();
}

// --- The program before ---

void Supervisor::Core::renew(ClientId client, const Json& /*request*/) {
    if (const std::string why_not = why_not_now(); !why_not.empty())
        return refuse(client, why_not);
    m_renewing_for = client;
    rehearse();
}

void Supervisor::Core::renew_when_free() {
    if (!m_options.successor || m_ending)
        return;
    m_renew_again = m_rehearsal != nullptr; // if nothing comes of that one
    if (m_renew_again)
        return;
    if (why_not_now().empty() && m_busy.empty())
        return rehearse();
    m_renew = m_loop.after(try_again, [this] { renew_when_free(); });
}

// What would be cut short by it.
std::string Supervisor::Core::why_not_now() const {
    if (!m_options.successor)
        return "this supervisor cannot be renewed";
    if (m_ending || !m_busy.empty() || m_replacement)
        return "the supervisor is busy " + m_busy;
    if (!m_waiting.empty())
        return "others wait for the supervisor";
    if (m_rehearsal)
        return "the supervisor is being renewed";
    if (m_gate)
        return "the app is being started";
    if (m_retirement)
        return "the release before is being stopped";
    if (m_addresses && !m_addresses->is_idle())
        return "connections to an earlier release are being carried to the live one";
    if (m_is_telling)
        return "what came of a watch is still to be written down";
    return {};
}

// What cannot even be begun, for want of descriptors or memory, leaves us as we are.
void Supervisor::Core::rehearse() {
    try {
        Bequest unused;
        m_script = written_memory(memory(unused).set("rehearsal", true));
        m_rehearsal_output.clear();
        Launch launch;
        launch.argv = m_options.successor(STDIN_FILENO);
        launch.argv.front() = m_program.path().string();
        launch.environment = own_environment();
        launch.folder = "/";
        launch.input = m_script.get();
        const auto take = [this](std::string_view output) {
            constexpr std::size_t shown = 1000;
            m_rehearsal_output +=
                output.substr(0, shown - std::min(shown, m_rehearsal_output.size()));
        };
        m_rehearsal =
            std::make_unique<RunCommand>(m_loop, std::move(launch), rehearsal_patience, take,
                                         [this](const RunCommand::End& end) { rehearsed(end); });
    } catch (const Error& error) {
        m_script.reset();
        not_renewed(error.what());
    }
}

void Supervisor::Core::rehearsed(const RunCommand::End& end) {
    const std::string said(trimmed(m_rehearsal_output));
    const std::string how = end.timed_out ? "does not end" : exit_text(end.status);
    const bool passed = end.status && *end.status == 0 && !end.timed_out;
    m_loop.post([this, passed, how, said] { // not while it is calling
        m_rehearsal.reset();
        m_script.reset();
        if (!passed)
            return not_renewed(fmt::format("{} was tried and {}{}{}", m_program.path().string(),
                                           how, said.empty() ? "" : ": ", printable_lines(said)));
        take_turn();
    });
}

void Supervisor::Core::not_renewed(const std::string& why) {
    note("is not renewed: " + why);
    if (const ClientId client = std::exchange(m_renewing_for, 0))
        refuse(client, why);
    if (m_renew_again)
        renew_when_free();
}

void Supervisor::Core::take_turn() {
    if (const std::string why_not = why_not_now(); !why_not.empty()) {
        if (m_renewing_for == 0)
            return renew_when_free();
        return not_renewed(why_not);
    }
    std::optional<TimePoint> watch_end;
    if (m_vigil)
        watch_end = m_vigil->end();
    std::string why_not;
    try {
        Bequest bequest;
        const Json left = memory(bequest);
        m_vigil.reset(); // and with it a check that nobody would wait for
        exec(left, bequest);
        why_not =
            fmt::format("cannot execute {}: {}", m_program.path().string(), errno_text(errno));
    } catch (const Error& error) {
        why_not = error.what();
    }
    if (watch_end && !m_vigil)
        begin_watch(m_watching_for, watch_end);
    not_renewed(why_not);
}

// Comes back only if that fails, with errno. Signals wait meanwhile, for whoever it is then.
void Supervisor::Core::exec(const Json& memory, const Bequest& bequest) {
    const sys::Fd file = written_memory(memory);
    Bequest last;
    (void)last.pass(file.get());
    std::vector<std::string> words = m_options.successor(file.get());
    std::vector<char*> argv;
    for (std::string& word : words)
        argv.push_back(word.data());
    argv.push_back(nullptr);
    bequest.survive_exec(true);
    last.survive_exec(true);
    sys::restore_limits();
    (void)::execv(m_program.path().c_str(), argv.data());
    const int error = errno;
    sys::leave_no_core_dump();
    sys::have_many_descriptors();
    bequest.survive_exec(false);
    errno = error;
}

Json Supervisor::Core::memory(Bequest& bequest) {
    Json spared_pids = Json::array();
    for (const pid_t pid : spared())
        spared_pids.push_back(pid);
    Json json = Json::object({{"version", memory_version},
                              {"at", time_to_json(std::chrono::steady_clock::now())},
                              {"lock", bequest.pass(m_lock.fd())},
                              {"control", m_control.memory(bequest)},
                              {"why_no_handover", m_why_no_handover},
                              {"cgroups", m_surroundings.cgroups.string()},
                              {"why_no_cgroups", m_why_no_cgroups},
                              {"spared", spared_pids},
                              {"idle_since", time_to_json(m_idle_since)},
                              {"warm_until", time_to_json(m_warm_until)},
                              {"warm_is_over", m_is_warm_over},
                              {"may_go_back", m_may_go_back},
                              {"was_taken_back", m_was_taken_back},
                              {"watching_for", m_watching_for},
                              {"renewing_for", m_renewing_for}});
    json.set("notices", m_notices.memory(bequest));
    if (m_addresses)
        json.set("addresses", m_addresses->memory(bequest));
    if (m_crew)
        json.set("crew", m_crew->memory(bequest));
    if (m_warm)
        json.set("warm", m_warm->memory(bequest));
    if (m_vigil)
        json.set("watch_end", time_to_json(m_vigil->end()));
    return json;
}

// --- The program after ---

void Supervisor::Core::recall(const Json& memory) {
    for (const Json& pid : memory["spared"].items())
        spare(static_cast<pid_t>(pid.integer()));
    m_notices.recall(memory["notices"]);
    if (m_addresses)
        m_addresses->recall(memory["addresses"]);
    m_idle_since = time_from_json(memory["idle_since"]);
    m_warm_until = time_from_json(memory["warm_until"]);
    m_is_warm_over = memory["warm_is_over"].boolean();
    m_may_go_back = memory["may_go_back"].boolean();
    m_was_taken_back = memory["was_taken_back"].boolean();
    if (memory["crew"].is_object())
        m_crew = Crew::recalled(m_surroundings, memory["crew"]);
    if (memory["warm"].is_object()) {
        m_warm = Crew::recalled(m_surroundings, memory["warm"]);
        if (!m_is_warm_over)
            wait_for_warm_end();
    }
    if (!memory["watch_end"].is_null())
        begin_watch(static_cast<ClientId>(memory["watching_for"].integer()),
                    time_from_json(memory["watch_end"]));
}

void Supervisor::Core::go_on(const Json& memory) {
    recall(memory);
    m_trial_end = m_loop.after(milliseconds(0), [this] { wait_for_trial_end(); });
    look_late();
    const auto gap = std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::steady_clock::now() - time_from_json(memory["at"]));
    note(fmt::format("process {} goes on with {} after {:.1f} ms", ::getpid(),
                     m_program.path().string(), static_cast<double>(gap.count()) / 1000.0));
    m_surroundings.changed();
    m_loop.post([] { reap_orphans(); }); // whose end was told to nobody
    if (const auto client = static_cast<ClientId>(memory["renewing_for"].integer()))
        m_control.finish(
            client,
            Json::object({{"done", true}, {"ok", true}, {"pid", static_cast<int>(::getpid())}}));
}

} // namespace shipit::supervise

#include "core/supervise/supervisor.hpp"

#include "core/base/error.hpp"
#include "core/supervise/cgroup.hpp"
#include "core/supervise/own_memory.hpp"
#include "core/supervise/supervisor_core.hpp"
#include "core/supervise/tree.hpp"
#include "core/sys/clock.hpp"
#include "core/sys/limits.hpp"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <utility>

#include <fmt/core.h>
#include <unistd.h>

namespace shipit::supervise {

namespace {

constexpr Rotation own_rotation{1 << 20, 2};
constexpr milliseconds calm{1000};            // nothing has changed for so long: the work is done
constexpr milliseconds one_before_dies{1000}; // killed, and not yet all taken apart by the kernel
constexpr milliseconds beyond_stop_timeouts = std::chrono::seconds(30);

sys::LockHolder self() {
    return {"the supervisor", "supervise", sys::now(), static_cast<int>(::getpid())};
}

// Real, since /proc tells real names of the pipes in it.
SupervisorOptions with_real_folders(SupervisorOptions options) {
    options.run_folder = std::filesystem::canonical(options.run_folder);
    options.log_folder = std::filesystem::canonical(options.log_folder);
    return options;
}

Json inherited_memory(int fd) {
    const sys::Fd file = inherited(fd);
    return read_memory(file.get());
}

// Why the program before us could not hand sockets over; nothing if it could.
std::optional<std::string> why_not_before(const Json& memory) {
    if (memory["addresses"].is_object())
        return std::nullopt;
    return memory["why_no_handover"].text();
}

} // namespace

Supervisor::Supervisor(SupervisorOptions options)
    : m_core(std::make_unique<Core>(with_real_folders(std::move(options)))) {}
Supervisor::~Supervisor() = default;
void Supervisor::run() {
    m_core->run();
}

Supervisor::Core::Core(SupervisorOptions options)
    : m_options(std::move(options)),
      m_memory(m_options.inherited < 0 ? Json() : inherited_memory(m_options.inherited)),
      m_lock(m_memory.is_null()
                 ? sys::Lock(m_options.run_folder / supervisor_lock_name, self(), one_before_dies)
                 : sys::Lock(inherited(m_memory["lock"]))),
      m_app_log(m_options.log_folder / app_log_name, m_options.rotation),
      m_own_log(m_options.log_folder / supervisor_log_name, own_rotation),
      m_notices(m_loop, m_options.run_folder, [this](const std::string& text) { note(text); }),
      m_surroundings{m_loop, m_app_log, nullptr, m_options.run_folder, m_options.limits, {},
                     {},     {},        {},      &m_notices,           m_options.witness},
      m_control(m_memory.is_null() ? Control(m_loop, m_options.run_folder)
                                   : Control(m_loop, m_options.run_folder, m_memory["control"])) {
    m_loop.on_error([this](const std::string& what) { note("error: " + what); });
    m_surroundings.note = [this](const std::string& text) { note(text); };
    m_surroundings.changed = [this] {
        m_is_saved = false;
        m_save = m_loop.after(milliseconds(0), [this] { save(); });
    };
    m_surroundings.crash_looping = [this](const Process& process) {
        note(process.program().name + " keeps crashing");
        if (m_options.on_crash_loop)
            m_options.on_crash_loop(process.release(), process.program().name);
    };
    find_cgroups();
    const auto why_not = m_memory.is_null() ? why_no_handover() : why_not_before(m_memory);
    if (why_not) {
        m_why_no_handover = *why_not;
        note("stop-then-start: " + *why_not);
        return;
    }
    m_addresses = std::make_unique<Addresses>(
        m_loop, Addresses::Callbacks{
                    m_surroundings.note, m_surroundings.changed, [this] { save_at_once(); },
                    [this](Side side, const std::string& process, const std::string& why) {
                        refused(side, process, why);
                    }});
    m_surroundings.addresses = m_addresses.get();
}

// What a program before us in this process found is not asked again.
void Supervisor::Core::find_cgroups() {
    m_surroundings.cgroups = m_memory["cgroups"].text();
    m_why_no_cgroups = m_memory["why_no_cgroups"].text();
    if (!m_surroundings.cgroups.empty() || !m_why_no_cgroups.empty())
        return;
    try {
        if (!m_options.cgroups)
            throw Error("they are not wanted");
        m_surroundings.cgroups = app_cgroup(m_options.run_folder);
    } catch (const Error& error) {
        m_why_no_cgroups = error.what();
        note("without control groups: " + m_why_no_cgroups);
    }
}

void Supervisor::Core::run() {
    (void)::signal(SIGPIPE, SIG_IGN);
    sys::have_many_descriptors();
    become_subreaper();
    m_signals.emplace(m_loop, std::vector{SIGCHLD, SIGHUP, SIGTERM, SIGINT}, [this](int signal) {
        if (signal == SIGCHLD)
            return reap_orphans();
        if (signal == SIGHUP)
            return renew_when_free();
        note(fmt::format("got SIG{}", ::sigabbrev_np(signal)));
        end_all();
    });
    m_control.serve([this](ClientId client, const Json& request) { take_request(client, request); },
                    [this](ClientId client) { client_gone(client); });
    if (m_memory.is_null()) {
        note(fmt::format("process {} supervises", ::getpid()));
        bring_up();
    } else {
        go_on(std::exchange(m_memory, Json()));
    }
    m_loop.post([this] {
        m_manager.ready();
        m_manager.status(status_line());
        if (m_options.on_ready)
            m_options.on_ready();
    });
    m_loop.run();
    note("ends");
}

void Supervisor::Core::end_all() {
    if (m_ending)
        return;
    m_ending = true;
    m_manager.stopping(time_to_end());
    begin("ending");
    m_vigil.reset();
    m_gate.reset();
    m_retirement.reset();
    m_on_clear = nullptr; // of whom it would call goes, too
    const auto to_stop = [this](const std::shared_ptr<Crew>& crew) {
        if (crew && std::find(m_leftovers.begin(), m_leftovers.end(), crew) == m_leftovers.end())
            m_leftovers.push_back(crew);
    };
    if (m_replacement) {
        to_stop(m_replacement->next());
        to_stop(m_replacement->old());
        m_replacement.reset();
    }
    to_stop(std::exchange(m_crew, nullptr));
    to_stop(std::exchange(m_warm, nullptr));
    to_stop(std::make_shared<Crew>( // so that there is one in any case
        m_surroundings, Generation{ReleaseNumber(1), {}, {}, std::nullopt}, Side::a));
    auto left = std::make_shared<std::size_t>(m_leftovers.size());
    for (const auto& crew : m_leftovers)
        crew->stop(Crew::all, [this, left] {
            if (--*left > 0)
                return;
            m_loop.stop(); // whatever of the rest fails, like writing to a full disk
            for (const sys::ProcessName& stray : strays())
                signal_exactly(stray, SIGKILL);
            end_cgroups({m_surroundings.cgroups});
            save();
        });
}

std::vector<const Crew*> Supervisor::Core::crews() const {
    std::vector<const Crew*> result;
    const auto add = [&result](const std::shared_ptr<Crew>& crew) {
        if (crew && std::find(result.begin(), result.end(), crew.get()) == result.end())
            result.push_back(crew.get());
    };
    add(m_crew);
    add(m_warm);
    if (m_replacement) {
        add(m_replacement->old());
        add(m_replacement->next());
    }
    for (const auto& crew : m_leftovers)
        add(crew);
    return result;
}

void Supervisor::Core::save() {
    m_is_saved = true;
    try {
        save_state(m_options.run_folder, crews(), m_addresses.get(), m_surroundings.cgroups);
        m_save_fails = false;
    } catch (const Error& error) { // as on a full disk
        if (!std::exchange(m_save_fails, true))
            note("error: " + error.why() + "; trying again every second");
        m_is_saved = false; // the next supervisor would kill what it does not know of
        m_save = m_loop.after(calm, [this] { save(); });
    }
    m_manager.status(status_line());
    m_rest = m_loop.after(calm, give_back_memory);
}

void Supervisor::Core::save_at_once() {
    if (m_is_saved)
        return;
    m_save.cancel();
    save();
}

// For `systemctl status`.
std::string Supervisor::Core::status_line() const {
    if (m_ending)
        return "stopping";
    if (!m_crew)
        return "nothing is live";
    const auto& processes = m_crew->processes();
    const auto up = std::count_if(processes.begin(), processes.end(), [](const auto& process) {
        return process->phase() == Phase::up;
    });
    std::string line = m_crew->is_stopped()
                           ? fmt::format("{} is live, and stopped", m_crew->release().text())
                           : fmt::format("{} is live, {} of {} processes are up",
                                         m_crew->release().text(), up, processes.size());
    if (m_replacement)
        line += fmt::format("; {} is on its way", m_replacement->release().text());
    else if (is_watched())
        line += ", it is being watched";
    return line;
}

// All that we have to stop is stopped at the same time, and killed after its stop timeout.
milliseconds Supervisor::Core::time_to_end() const {
    milliseconds longest{0};
    for (const Crew* crew : crews())
        for (const auto& process : crew->processes())
            longest = std::max(longest, process->program().stop_timeout);
    return longest + beyond_stop_timeouts;
}

void Supervisor::Core::refused(Side side, const std::string& process, const std::string& why) {
    for (const Crew* crew : crews())
        for (const auto& each : crew->processes())
            if (crew->side() == side && each->program().name == process)
                each->refused(why);
}

void Supervisor::Core::note(const std::string& text) noexcept {
    try {
        m_own_log.append(time_text(sys::now()) + " " + printable(text) + "\n");
    } catch (...) { // no memory: there is nothing to be done
    }
}

} // namespace shipit::supervise

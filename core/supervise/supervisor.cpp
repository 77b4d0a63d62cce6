#include "core/supervise/supervisor.hpp"

#include "core/base/error.hpp"
#include "core/supervise/supervisor_core.hpp"
#include "core/supervise/tree.hpp"
#include "core/sys/clock.hpp"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <map>
#include <utility>

#include <fmt/core.h>
#include <unistd.h>

namespace shipit::supervise {

namespace {

constexpr Rotation own_rotation{1 << 20, 2};

sys::LockHolder self() {
    return {"the supervisor", "supervise", sys::now(), static_cast<int>(::getpid())};
}

// Real, since /proc tells real names of the pipes in it.
SupervisorOptions with_real_folders(SupervisorOptions options) {
    options.run_folder = std::filesystem::canonical(options.run_folder);
    options.log_folder = std::filesystem::canonical(options.log_folder);
    return options;
}

// What is left of a program of which only the saved state is known: enough to stop it.
Program stub_of(const SavedProcess& saved) {
    Program program;
    program.name = saved.name;
    program.type = saved.type;
    program.stop_signal = saved.stop_signal;
    program.stop_timeout = saved.stop_timeout;
    return program;
}

// Where the live release's processes were: where the traffic was, if both sides have some.
Side side_of(ReleaseNumber live, const SavedState& saved) {
    Side side = saved.live;
    for (const SavedProcess& process : saved.processes)
        if (process.release == live) {
            side = process.side;
            if (side == saved.live)
                break;
        }
    return side;
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
      m_lock(m_options.run_folder / supervisor_lock_name, self(), milliseconds(0)),
      m_app_log(m_options.log_folder / app_log_name, m_options.rotation),
      m_own_log(m_options.log_folder / supervisor_log_name, own_rotation),
      m_surroundings{m_loop,           m_app_log, nullptr, m_options.run_folder,
                     m_options.limits, {},        {},      {}},
      m_control(m_loop, m_options.run_folder) {
    m_loop.on_error([this](const std::string& what) { note("error: " + what); });
    m_surroundings.note = [this](const std::string& text) { note(text); };
    m_surroundings.changed = [this] { m_save = m_loop.after(milliseconds(0), [this] { save(); }); };
    m_surroundings.crash_looping = [this](const Process& process) {
        note(process.program().name + " keeps crashing");
        if (m_options.on_crash_loop)
            m_options.on_crash_loop(process.release(), process.program().name);
    };
    if (const auto why_not = why_no_bind_watch()) {
        m_why_no_handover = *why_not;
        note("stop-then-start: " + *why_not);
        return;
    }
    m_addresses = std::make_unique<Addresses>(
        m_loop, Addresses::Callbacks{m_surroundings.note, m_surroundings.changed});
    m_surroundings.addresses = m_addresses.get();
}

void Supervisor::Core::run() {
    (void)::signal(SIGPIPE, SIG_IGN);
    (void)::signal(SIGHUP, SIG_IGN);
    become_subreaper();
    m_signals = m_loop.on_signals({SIGCHLD, SIGTERM, SIGINT}, [this](int signal) {
        if (signal == SIGCHLD)
            return reap_orphans();
        note(fmt::format("got SIG{}", ::sigabbrev_np(signal)));
        end_all();
    });
    m_control.serve([this](ClientId client, const Json& request) { take_request(client, request); },
                    [this](ClientId client) { client_gone(client); });
    note(fmt::format("process {} supervises", ::getpid()));
    bring_up();
    if (m_options.on_ready)
        m_loop.post([this] { m_options.on_ready(); });
    m_loop.run();
    note("ends");
}

void Supervisor::Core::bring_up() {
    // May throw, and ends us then: better no supervisor than one that stops what it cannot judge.
    const std::optional<Generation> live = m_options.live();
    SavedState saved = saved_state(m_options.run_folder);
    if (live) {
        m_crew = std::make_shared<Crew>(m_surroundings, *live, side_of(live->release, saved));
        if (m_addresses) {
            m_addresses->go_live(m_crew->side());
            m_addresses->occupy(m_crew->side(), live->all_ports());
        }
    }
    take_sockets_back(saved);
    take_over(saved.processes);
    end_unsaved();
    if (m_leftovers.empty())
        return start_rest();
    begin("ending what an earlier supervisor left");
    stop_leftovers();
}

void Supervisor::Core::stop_leftovers() {
    auto left = std::make_shared<std::size_t>(m_leftovers.size());
    for (const auto& crew : m_leftovers)
        crew->stop(Crew::all, [this, left] {
            if (--*left > 0)
                return;
            m_loop.post([this] { // not while one of them is calling
                m_leftovers.clear();
                m_busy.clear();
                start_rest();
            });
        });
}

// From whatever still runs, also from what is to be stopped now.
void Supervisor::Core::take_sockets_back(SavedState& saved) {
    std::vector<pid_t> holders;
    for (const SavedProcess& process : saved.processes) {
        holders.push_back(process.process.main.pid);
        for (const pid_t below : sys::descendants_of(process.process.main.pid))
            holders.push_back(below);
    }
    if (m_addresses && m_addresses->take_back(saved.addresses, holders))
        return;
    for (SavedProcess& process : saved.processes)
        process.process.is_handed = false;
}

// By the live crew's process of that name; false if there is none, or the saved one is gone.
bool Supervisor::Core::adopt(const SavedProcess& saved) {
    if (!m_crew || saved.release != m_crew->release() || saved.side != m_crew->side())
        return false;
    for (const auto& process : m_crew->processes())
        if (process->program().name == saved.name)
            return process->adopt(saved.process);
    return false;
}

void Supervisor::Core::take_over(const std::vector<SavedProcess>& saved_processes) {
    std::map<std::pair<ReleaseNumber, Side>, std::vector<SavedProcess>> others;
    for (const SavedProcess& saved : saved_processes) {
        const bool adopted = adopt(saved);
        if (!adopted)
            others[{saved.release, saved.side}].push_back(saved);
        note(fmt::format("{} {} {}, process {}", adopted ? "takes over" : "stops",
                         saved.release.text(), saved.name, saved.process.main.pid));
    }
    for (const auto& [place, processes] : others) {
        Generation generation{place.first, {}, {}, std::nullopt};
        for (const SavedProcess& saved : processes)
            generation.programs.push_back(stub_of(saved));
        auto crew = std::make_shared<Crew>(m_surroundings, std::move(generation), place.second);
        for (std::size_t i = 0; i < processes.size(); ++i)
            (void)crew->processes()[i]->adopt(processes[i].process); // gone: nothing to stop
        m_leftovers.push_back(std::move(crew));
    }
}

void Supervisor::Core::end_unsaved() {
    std::vector<Path> known;
    for (const Crew* crew : crews())
        for (const auto& process : crew->processes())
            if (process->main())
                known.push_back(process->fifo());
    for (const sys::ProcessName& process : unsaved_processes(m_options.run_folder, known)) {
        note(fmt::format("kills process {}, left by an earlier supervisor", process.pid));
        signal_exactly(process, SIGKILL);
    }
    for (const std::string& name : sys::names_in(m_options.run_folder)) {
        const Path path = m_options.run_folder / name;
        if (path.extension() == ".fifo" &&
            std::find(known.begin(), known.end(), path) == known.end())
            (void)::unlink(path.c_str());
    }
}

// What should run and does not yet.
void Supervisor::Core::start_rest() {
    if (!m_crew || m_ending)
        return;
    m_crew->start();
    GateRules rules;
    rules.passes = 1;
    rules.timeout = m_crew->generation().health.timeout;
    rules.forgives_exits = true;
    m_gate = std::make_unique<Gate>(
        m_loop, *m_crew, rules, [this](const std::optional<std::string>& why_not) {
            note(why_not ? "not healthy after the start: " + *why_not : "healthy");
            m_gate.reset();
            if (m_options.needs_watch && m_options.needs_watch(m_crew->release()))
                why_not ? watched(why_not) : begin_watch(0);
        });
}

void Supervisor::Core::end_all() {
    if (m_ending)
        return;
    m_ending = true;
    begin("ending");
    m_vigil.reset();
    m_gate.reset();
    m_retirement.reset();
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
            for (const sys::ProcessName& stray : strays())
                signal_exactly(stray, SIGKILL);
            save();
            m_loop.stop();
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
    save_state(m_options.run_folder, crews(), m_addresses.get());
}

void Supervisor::Core::note(const std::string& text) noexcept {
    try {
        m_own_log.append(time_text(sys::now()) + " " + printable(text) + "\n");
    } catch (...) { // no memory: there is nothing to be done
    }
}

} // namespace shipit::supervise

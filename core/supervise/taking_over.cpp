// What an earlier supervisor left is gone on with, or ended.

#include "core/supervise/cgroup.hpp"
#include "core/supervise/supervisor_core.hpp"
#include "core/supervise/tree.hpp"

#include <algorithm>
#include <csignal>
#include <functional>
#include <map>
#include <utility>

#include <fmt/core.h>
#include <unistd.h>

namespace shipit::supervise {

namespace {

constexpr milliseconds kill_patience{500};

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

void Supervisor::Core::bring_up() {
    // May throw, and ends us then: better no supervisor than one that stops what it cannot judge.
    const std::optional<Generation> live = m_options.live();
    SavedState saved = saved_state(m_options.run_folder);
    if (live) {
        m_crew = std::make_shared<Crew>(m_surroundings, *live, side_of(live->release, saved));
        if (m_addresses) {
            m_addresses->go_live(m_crew->side());
            m_addresses->occupy(m_crew->side(), live->all_ports(), live->web_ports());
        }
    }
    take_sockets_back(saved);
    take_over(saved.processes);
    end_unsaved();
    saved.cgroups.insert(m_surroundings.cgroups);
    end_cgroups(saved.cgroups);
    if (m_options.only_ends)
        return m_loop.post([this] { end_all(); });
    if (m_leftovers.empty())
        return start_rest();
    begin("ending what an earlier supervisor left");
    stop_leftovers();
}

// What had the traffic may have requests to answer yet: it goes on until it is retired, where the
// live release accepts beside it.
void Supervisor::Core::stop_leftovers() {
    const bool is_served = m_crew && m_crew->has(m_crew->accepting());
    std::shared_ptr<Crew> to_retire;
    auto left = std::make_shared<std::size_t>(m_leftovers.size());
    for (const auto& crew : m_leftovers) {
        Crew::Choice to_stop = Crew::all;
        if (is_served && !to_retire && crew->side() != m_crew->side() &&
            crew->has(crew->accepting())) {
            to_retire = crew;
            to_stop = std::not_fn(crew->accepting());
        }
        crew->stop(to_stop, [this, left] {
            if (--*left > 0)
                return;
            m_loop.post([this] { leftovers_stopped(); }); // not while one of them is calling
        });
    }
}

void Supervisor::Core::leftovers_stopped() {
    if (m_ending) // they are among those whose end is waited for
        return;
    for (const auto& crew : std::exchange(m_leftovers, {}))
        if (crew->is_wanted() || crew == m_warm)
            retire(crew);
    m_busy.clear();
    start_rest();
    take_waiting();
}

// From whatever still runs, also from what is to be stopped now.
void Supervisor::Core::take_sockets_back(SavedState& saved) {
    std::vector<pid_t> holders;
    for (const SavedProcess& process : saved.processes) {
        holders.push_back(process.process.main.pid);
        for (const pid_t below : sys::descendants_of(process.process.main.pid))
            holders.push_back(below);
        // Orphans went to another one than us when that supervisor was killed.
        for (const Owned& owned : rest_of({process.process.main, {}, process.process.cgroup}))
            holders.push_back(owned.name.pid);
    }
    for (const sys::ProcessName& process : unsaved_processes(m_options.run_folder, {}))
        holders.push_back(process.pid); // which writes to one of our pipes
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
        if (name.starts_with(".new-")) // a state that was being saved
            (void)::unlink(path.c_str());
        if (path.extension() == ".fifo" &&
            std::find(known.begin(), known.end(), path) == known.end())
            (void)::unlink(path.c_str());
    }
}

// What is in the app's control groups, but for those of the processes that we know.
void Supervisor::Core::end_cgroups(std::set<Path> folders) const {
    std::set<Path> known;
    for (const Crew* crew : crews())
        for (const auto& process : crew->processes())
            known.insert(process->cgroup());
    folders.erase(Path());
    for (const Path& folder : folders) {
        std::error_code none; // a folder that is not there has none
        for (const auto& entry : std::filesystem::directory_iterator(folder, none))
            if (entry.is_directory(none) && known.count(entry.path()) == 0)
                (void)end_cgroup(entry.path(), kill_patience);
    }
}

// What should run and does not yet.
void Supervisor::Core::start_rest() {
    if (!m_crew || m_ending)
        return;
    m_crew->start();
    m_trial_end = m_loop.after(milliseconds(0), [this] { wait_for_trial_end(); });
    GateRules rules;
    rules.passes = 1;
    rules.timeout = m_crew->generation().health.timeout;
    rules.forgives_exits = true;
    m_gate = std::make_unique<Gate>(
        m_loop, *m_crew, rules, [this](const std::optional<std::string>& why_not) {
            note(why_not ? "not healthy after the start: " + *why_not : "healthy");
            m_gate.reset();
            if (needs_watch(m_crew->release()))
                why_not ? watched(why_not) : begin_watch(0);
            look_late();
        });
}

} // namespace shipit::supervise

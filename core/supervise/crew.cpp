#include "core/supervise/crew.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace shipit::supervise {

namespace {

constexpr milliseconds look_again{5};

} // namespace

Crew::Choice Crew::called(const std::string& which) {
    return [which](const Process& process) {
        return which.empty() || process.program().name == which || process.program().type == which;
    };
}

Crew::Crew(Surroundings& surroundings, Generation generation, Side side)
    : m_surroundings(surroundings), m_generation(std::move(generation)), m_side(side) {
    for (const Program& program : m_generation.programs)
        m_processes.push_back(std::make_unique<Process>(
            surroundings, program, Place{m_generation.release, side}, teller()));
}

Process::OnEnded Crew::teller() {
    return [this](Process& process, const std::string& how) {
        if (const Witness& witness = m_surroundings.witness; witness.ended)
            witness.ended(process.release(), process.program().name, how);
        testify_lines();
        const Process::OnEnded watcher = m_watcher; // which may replace itself
        if (watcher)
            watcher(process, how);
    };
}

void Crew::take(Crew& other, const Choice& choice) {
    for (auto& place : m_processes) {
        const auto taken = std::find_if(
            other.m_processes.begin(), other.m_processes.end(), [&](const auto& process) {
                return choice(*process) && process->program().name == place->program().name;
            });
        if (taken == other.m_processes.end())
            continue;
        place = std::move(*taken);
        other.m_processes.erase(taken);
        place->move(m_side, teller());
    }
}

void Crew::relabel(Generation generation) {
    m_generation = std::move(generation);
    for (const auto& process : m_processes)
        for (const Program& program : m_generation.programs)
            if (program.name == process->program().name)
                process->relabel(program, m_generation.release);
}

bool Crew::has(const Choice& choice) const {
    return std::any_of(m_processes.begin(), m_processes.end(),
                       [&](const auto& process) { return choice(*process); });
}

void Crew::start(const Choice& choice) {
    for (const auto& process : m_processes)
        if (choice(*process))
            process->start();
}

void Crew::stop(const Choice& choice, Loop::Callback done) {
    testify_memory(); // what it has used in all its life
    for (const auto& process : m_processes)
        if (choice(*process))
            process->stop();
    m_wait = m_surroundings.loop.after(milliseconds(0), [this, choice, done = std::move(done)] {
        wait_until_stopped(choice, done);
    });
}

void Crew::wait_until_stopped(const Choice& choice, const Loop::Callback& done) {
    if (is_stopped(choice)) {
        const Loop::Callback called = done; // which may destroy this
        return called();
    }
    m_wait = m_surroundings.loop.after(look_again,
                                       [this, choice, done] { wait_until_stopped(choice, done); });
}

void Crew::suspend(const Choice& choice, Loop::Callback done) {
    m_suspended.clear();
    for (const auto& process : m_processes)
        if (choice(*process) && process->is_wanted())
            m_suspended.push_back(process.get());
    stop(choice, std::move(done));
}

void Crew::resume() {
    for (Process* process : std::exchange(m_suspended, {}))
        process->start();
}

bool Crew::is_wanted(const Choice& choice) const {
    return std::any_of(m_processes.begin(), m_processes.end(), [&](const auto& process) {
        return choice(*process) && process->is_wanted();
    });
}

bool Crew::is_stopped(const Choice& choice) const {
    return std::all_of(m_processes.begin(), m_processes.end(), [&](const auto& process) {
        return !choice(*process) || process->phase() == Phase::stopped;
    });
}

bool Crew::is_any_up() const {
    return has([](const Process& process) { return process.phase() == Phase::up; });
}

Crew::Choice Crew::accepting() const {
    std::set<std::string> names;
    for (const auto& process : m_processes)
        if (const std::string& name = process->program().name;
            process->phase() == Phase::up && m_surroundings.addresses != nullptr &&
            m_surroundings.addresses->is_listening(m_side, name))
            names.insert(name);
    return [names](const Process& process) { return names.contains(process.program().name); };
}

bool Crew::is_up(const Choice& choice) const {
    return std::all_of(m_processes.begin(), m_processes.end(), [&](const auto& process) {
        return !choice(*process) || !process->is_wanted() || process->is_ready();
    });
}

const Process* Crew::silent(const Choice& choice) const {
    for (const auto& process : m_processes)
        if (choice(*process) && process->is_silent())
            return process.get();
    return nullptr;
}

TimePoint Crew::newest_start(const Choice& choice) const {
    TimePoint newest{};
    for (const auto& process : m_processes)
        if (choice(*process) && process->is_wanted())
            newest = std::max(newest, process->started());
    return newest;
}

std::vector<pid_t> Crew::tree() const {
    std::vector<pid_t> pids;
    for (const auto& process : m_processes)
        if (const auto main = process->main())
            pids.push_back(main->pid);
    for (const auto& process : m_processes)
        for (const Owned& owned : process->rest())
            pids.push_back(owned.name.pid);
    return pids;
}

std::size_t Crew::size() const noexcept {
    try {
        return tree().size();
    } catch (const std::exception&) { // processes cannot be looked at
        return m_processes.size();
    }
}

std::optional<PortHolder> Crew::unseen() const {
    const Addresses* addresses = m_surroundings.addresses;
    const auto is_own = [](const Process& process) { return !process.is_handed(); };
    if (addresses == nullptr || !m_generation.port || addresses->holds(*m_generation.port) ||
        has(is_own))
        return std::nullopt;
    const std::vector<std::uint16_t> ports = ports_of(tree());
    return std::find(ports.begin(), ports.end(), *m_generation.port) == ports.end()
               ? std::nullopt
               : holder_of(*m_generation.port);
}

Check::Kind Crew::check_kind() const {
    const Program* face = m_generation.face();
    for (const auto& process : m_processes)
        if (face != nullptr && process->is_wanted() && process->program().type == face->type)
            return Check::kind_for(m_generation);
    return Check::Kind::none;
}

bool Crew::listens(const Addresses& addresses, const Process& process, Entrance& entrance) const {
    const std::string& name = process.program().name;
    if (m_generation.socket.empty())
        return addresses.is_listening(m_side, name, *m_generation.port);
    entrance.socket = addresses.unix_sockets().entrance(m_side, name, m_generation.socket);
    return !entrance.socket.empty();
}

// Only where all that are asked were handed their sockets is it known who listens.
Check::WayIn Crew::way_in() const {
    const Program* face = m_generation.face();
    const Addresses* addresses = m_surroundings.addresses;
    if (addresses == nullptr || face == nullptr ||
        (!m_generation.port && m_generation.socket.empty()))
        return {false, std::nullopt, nullptr, m_side};
    bool all_listen = true;
    Entrance entrance;
    for (const auto& process : m_processes) {
        if (!process->is_wanted() || process->program().type != face->type)
            continue;
        if (!process->is_handed())
            return {false, std::nullopt, nullptr, m_side};
        all_listen = listens(*addresses, *process, entrance) && all_listen;
    }
    // Nobody's bind was seen: who listens there, if anybody does, has a socket of its own.
    if (!all_listen && !m_generation.hands_over && m_generation.socket.empty() &&
        !addresses->holds(*m_generation.port))
        return {false, std::nullopt, nullptr, m_side};
    if (!all_listen)
        return {true, std::nullopt, addresses, m_side};
    if (!m_generation.socket.empty())
        return {true, entrance, addresses, m_side};
    return {true, addresses->entrance(m_side, *m_generation.port), addresses, m_side};
}

std::unique_ptr<Check> Crew::check(Probe::OnDone done) const {
    return std::make_unique<Check>(m_surroundings.loop, check_kind(), m_generation, way_in(),
                                   std::move(done));
}

std::unique_ptr<FirstRequests> Crew::first_requests(Loop::Callback done) const {
    const Check::WayIn way = way_in();
    if (check_kind() != Check::Kind::http || !way.is_known || way.addresses->live() == m_side)
        return nullptr;
    const auto target = Check::target(m_generation, way);
    const std::size_t processes = size();
    if (!target || processes < 2)
        return nullptr;
    return std::make_unique<FirstRequests>(m_surroundings.loop, *target, processes,
                                           std::move(done));
}

void Crew::on_listening(Loop::Callback callback) const {
    if (m_surroundings.notices != nullptr)
        m_surroundings.notices->on_ready(callback);
    if (m_surroundings.addresses != nullptr)
        m_surroundings.addresses->on_listening(std::move(callback));
}

Json Crew::memory(Bequest& bequest) const {
    Json processes = Json::array();
    for (const auto& process : m_processes)
        processes.push_back(process->memory(bequest));
    return Json::object({{"generation", to_json(m_generation)},
                         {"slot", name_of(m_side)},
                         {"processes", processes}});
}

std::shared_ptr<Crew> Crew::recalled(Surroundings& surroundings, const Json& memory) {
    auto crew = std::make_shared<Crew>(surroundings, generation_from(memory["generation"]),
                                       side_from(memory["slot"].text()));
    for (const Json& process : memory["processes"].items())
        for (const auto& each : crew->m_processes)
            if (each->program().name == process["name"].text())
                each->recall(process);
    return crew;
}

bool Crew::is_proven() const {
    return std::all_of(m_processes.begin(), m_processes.end(),
                       [](const auto& process) { return process->is_proven(); });
}

void Crew::set_proven() {
    for (const auto& process : m_processes)
        process->set_proven();
}

std::string Crew::evidence() const {
    std::string text;
    for (const auto& process : m_processes)
        for (const std::string& line : process->tail())
            text += process->program().name + ": " + line + "\n";
    return text;
}

void Crew::testify_check(const std::string& why) const {
    if (m_surroundings.witness.check_failed)
        m_surroundings.witness.check_failed(release(), why);
}

void Crew::testify_lines() const {
    if (m_surroundings.witness.wrote)
        m_surroundings.witness.wrote(release(), evidence());
}

void Crew::testify_memory() const {
    if (!m_surroundings.witness.used || !is_any_up())
        return;
    try {
        std::uint64_t bytes = 0;
        for (const pid_t pid : tree())
            bytes += sys::peak_bytes(pid);
        m_surroundings.witness.used(release(), bytes);
    } catch (const std::exception& error) { // what is to be done with it matters more
        m_surroundings.note(std::string("cannot tell how much memory was used: ") + error.what());
    }
}

} // namespace shipit::supervise

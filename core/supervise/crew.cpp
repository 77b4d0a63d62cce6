#include "core/supervise/crew.hpp"

#include <algorithm>

namespace shipit::supervise {

namespace {

constexpr milliseconds look_again{5};

bool is_meant(const Process& process, const std::string& which) {
    return which.empty() || process.program().name == which || process.program().type == which;
}

} // namespace

Crew::Crew(Surroundings& surroundings, Generation generation)
    : m_surroundings(surroundings), m_generation(std::move(generation)) {
    for (const Program& program : m_generation.programs)
        m_processes.push_back(std::make_unique<Process>(
            surroundings, program, m_generation.release,
            [this](Process& process, const std::string& how) {
                const Process::OnEnded watcher = m_watcher; // which may replace itself
                if (watcher)
                    watcher(process, how);
            }));
}

bool Crew::has(const std::string& which) const {
    return std::any_of(m_processes.begin(), m_processes.end(),
                       [&](const auto& process) { return is_meant(*process, which); });
}

void Crew::start(const std::string& which) {
    for (const auto& process : m_processes)
        if (is_meant(*process, which))
            process->start();
}

void Crew::stop(const std::string& which, Loop::Callback done) {
    for (const auto& process : m_processes)
        if (is_meant(*process, which))
            process->stop();
    m_wait = m_surroundings.loop.after(milliseconds(0), [this, which, done = std::move(done)] {
        wait_until_stopped(which, done);
    });
}

void Crew::wait_until_stopped(const std::string& which, const Loop::Callback& done) {
    if (is_stopped(which))
        return done();
    m_wait = m_surroundings.loop.after(look_again,
                                       [this, which, done] { wait_until_stopped(which, done); });
}

void Crew::suspend(Loop::Callback done) {
    m_suspended.clear();
    for (const auto& process : m_processes)
        if (process->is_wanted())
            m_suspended.push_back(process.get());
    stop({}, std::move(done));
}

void Crew::resume() {
    for (Process* process : m_suspended)
        process->start();
}

bool Crew::is_wanted() const {
    return std::any_of(m_processes.begin(), m_processes.end(),
                       [](const auto& process) { return process->is_wanted(); });
}

bool Crew::is_stopped(const std::string& which) const {
    return std::all_of(m_processes.begin(), m_processes.end(), [&](const auto& process) {
        return !is_meant(*process, which) || process->phase() == Phase::stopped;
    });
}

bool Crew::is_up() const {
    return std::all_of(m_processes.begin(), m_processes.end(), [](const auto& process) {
        return !process->is_wanted() || process->phase() == Phase::up;
    });
}

TimePoint Crew::newest_start() const {
    TimePoint newest{};
    for (const auto& process : m_processes)
        if (process->is_wanted())
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

Check::Kind Crew::check_kind() const {
    const Program* face = m_generation.face();
    for (const auto& process : m_processes)
        if (face != nullptr && process->is_wanted() && process->program().type == face->type)
            return Check::kind_for(m_generation);
    return Check::Kind::none;
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

} // namespace shipit::supervise

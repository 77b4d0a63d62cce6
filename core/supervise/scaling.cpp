// The live release with more or fewer processes: which of them go on, and where.

#include "core/supervise/supervisor_core.hpp"

#include <algorithm>

namespace shipit::supervise {

namespace {

const Program* named(const std::vector<Program>& programs, const std::string& name) {
    const auto found = std::find_if(programs.begin(), programs.end(),
                                    [&](const Program& program) { return program.name == name; });
    return found != programs.end() ? &*found : nullptr;
}

bool has_as_it_is(const std::vector<Program>& programs, const Program& program) {
    const Program* same = named(programs, program.name);
    return same != nullptr && same->runs_as(program);
}

} // namespace

// Types whose processes accept from the slots of their side, and so cannot go on at the other.
std::set<std::string> Supervisor::Core::bound_types(const Generation& next) const {
    std::set<std::string> types;
    if (next.port || !next.socket.empty())
        types.insert("web");
    for (const auto& process : m_crew->processes())
        if (m_addresses && m_addresses->is_listening(m_crew->side(), process->program().name))
            types.insert(process->program().type);
    return types;
}

// Where a type that listens gets other processes, they come to the other side and get their first
// connection when they are healthy, as those of a new release do; and those that go lose none. The
// other types' processes go on, and are the next generation's at the end.
Replacement::Plan Supervisor::Core::plan_for_scaled(Generation next) {
    const std::set<std::string> bound = bound_types(next);
    const auto is_bound = [&](const Program& program) { return bound.contains(program.type); };
    const std::vector<Program>& old = m_crew->generation().programs;
    const auto all_in = [&](const std::vector<Program>& these, const std::vector<Program>& those) {
        return std::all_of(these.begin(), these.end(), [&](const Program& program) {
            return !is_bound(program) || has_as_it_is(those, program);
        });
    };
    const bool in_place = all_in(old, next.programs) && all_in(next.programs, old) &&
                          m_crew->generation().all_ports() == next.all_ports() &&
                          m_crew->generation().socket == next.socket;
    std::set<std::string> kept;
    for (const auto& process : m_crew->processes()) {
        const Program* before = named(old, process->program().name);
        if (process->is_wanted() && before != nullptr && has_as_it_is(next.programs, *before) &&
            (in_place || !is_bound(*before)))
            kept.insert(before->name);
    }
    Replacement::Plan plan{m_crew, nullptr, why_in_turn(next),
                           [this](Loop::Callback then) { clear_side(std::move(then)); }};
    plan.keeps = [kept](const Process& process) { return kept.contains(process.program().name); };
    plan.next = std::make_shared<Crew>(m_surroundings, std::move(next),
                                       in_place ? m_crew->side() : side_for_next());
    return plan;
}

} // namespace shipit::supervise

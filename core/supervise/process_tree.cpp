// What a process started, and its end.

#include "core/supervise/process.hpp"

#include "core/base/error.hpp"
#include "core/supervise/cgroup.hpp"

#include <algorithm>
#include <csignal>
#include <utility>

#include <fcntl.h>

namespace shipit::supervise {

namespace {

constexpr milliseconds look_at_rest{20}; // for what is left of a tree that was told to end
constexpr milliseconds kill_patience{100};

} // namespace

// A new one for each start: what is born into a group that was once killed is killed, too (seen
// with Linux 6.18), and below the group of an earlier supervisor we may not be allowed to start
// one.
sys::Fd Process::open_cgroup() {
    if (const Path before = std::exchange(m_cgroup, {}); !before.empty())
        (void)end_cgroup(before, kill_patience);
    if (m_surroundings.cgroups.empty())
        return {};
    try {
        m_cgroup = make_cgroup(m_surroundings.cgroups, Path(m_pipe_name).stem().string());
        return sys::open_file(m_cgroup, O_PATH | O_DIRECTORY);
    } catch (const Error& error) { // its tree is found without
        m_surroundings.note(m_program.name + ": " + error.what());
        m_cgroup.clear();
        return {};
    }
}

void Process::look_for_rest() {
    if (m_state.phase != Phase::sweeping)
        return;
    reap_orphans();
    if (!is_populated(m_cgroup) && is_seen_alone())
        feed(Event::tree_gone);
    else
        m_look = m_surroundings.loop.after(look_at_rest, [this] { look_for_rest(); });
}

// What cannot be looked at now, for want of descriptors, say, is looked at again.
bool Process::is_seen_alone() const {
    try {
        return rest().empty();
    } catch (const Error&) {
        return false;
    }
}

std::vector<Owned> Process::rest() const {
    if (m_last_main.pid == 0)
        return {};
    return rest_of({m_last_main, m_marks, m_cgroup});
}

void Process::signal_main(int signal) const {
    if (m_child)
        m_child->signal(signal);
}

void Process::signal_rest(int signal, bool escaped_only) const {
    const std::vector<Owned> processes = rest();
    const auto is_meant = [&](const Owned& process) { return process.escaped || !escaped_only; };
    // By one stroke where nobody is to be spared: none can fork its way out of that.
    if (signal == SIGKILL && std::all_of(processes.begin(), processes.end(), is_meant))
        kill_cgroup(m_cgroup);
    for (const Owned& process : processes)
        if (is_meant(process))
            signal_exactly(process.name, signal);
    reap_orphans();
}

void Process::kill_tree() const {
    try {
        signal_rest(SIGKILL, false); // first, while the main process still shows who they are
    } catch (const Error&) {
        signal_main(SIGKILL); // which needs no look at others; they are looked for again
        throw;
    }
    signal_main(SIGKILL);
}

// What escaped and ignores SIGTERM would do nothing with its grace but make the stop longer.
void Process::kill_deaf() const {
    std::vector<Owned> deaf = rest();
    const auto hears = [](const Owned& process) {
        return !process.escaped || !ignores(process.name, SIGTERM);
    };
    if (std::none_of(deaf.begin(), deaf.end(), hears))
        kill_cgroup(m_cgroup);
    std::erase_if(deaf, hears);
    for (const Owned& process : deaf)
        signal_exactly(process.name, SIGKILL);
    reap_orphans();
}

} // namespace shipit::supervise

#include "core/deploy/evidence.hpp"

#include "core/base/error.hpp"
#include "core/deploy/running.hpp"
#include "core/sys/clock.hpp"

#include <algorithm>
#include <functional>

namespace shipit::deploy {

namespace {

void write_down(const App& app, ReleaseNumber release,
                const std::function<void(release::Conduct&)>& change) noexcept {
    try {
        const sys::Path file = app.layout.evidence(release);
        release::Conduct conduct = release::read_conduct(file);
        const release::Conduct before = conduct;
        change(conduct);
        if (conduct != before)
            release::write_conduct(file, conduct);
    } catch (const std::exception&) { // a full disk is no reason to lose a process
    }
}

} // namespace

supervise::Witness witness_for(const App& app) {
    supervise::Witness witness;
    witness.ended = [&app](ReleaseNumber release, const std::string& process,
                           const std::string& how) {
        write_down(app, release, [&](release::Conduct& conduct) {
            conduct.add_exit({sys::now(), process, how});
        });
    };
    witness.check_failed = [&app](ReleaseNumber release, const std::string& why) {
        write_down(app, release, [&](release::Conduct& conduct) { conduct.add_failed_check(why); });
    };
    witness.wrote = [&app](ReleaseNumber release, const std::string& lines) {
        write_down(app, release, [&](release::Conduct& conduct) { conduct.add_lines(lines); });
    };
    witness.used = [&app](ReleaseNumber release, std::uint64_t memory) {
        write_down(app, release, [&](release::Conduct& conduct) {
            conduct.peak_memory = std::max(conduct.peak_memory, memory);
        });
    };
    return witness;
}

release::Conduct conduct_of(const App& app, ReleaseNumber release) {
    release::Conduct conduct = release::read_conduct(app.layout.evidence(release));
    if (app.ledger.current() != release)
        return conduct;
    std::uint64_t peak = 0;
    for (const ProcessFacts& process : processes(app))
        if (process.release == release)
            peak += process.peak;
    conduct.peak_memory = std::max(conduct.peak_memory, peak);
    return conduct;
}

void conclude(const App& app, release::Manifest& manifest) {
    const release::Conduct conduct = conduct_of(app, manifest.number);
    manifest.evidence.restarts = conduct.exits;
    if (!conduct.newest_exits.empty())
        manifest.evidence.last_exit =
            conduct.newest_exits.back().process + " " + conduct.newest_exits.back().how;
    if (const auto good = app.marks.get(release::MarkKind::good, manifest.number))
        manifest.evidence.good_at = good->at;
}

} // namespace shipit::deploy

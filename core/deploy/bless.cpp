#include "core/deploy/bless.hpp"

#include "core/base/error.hpp"
#include "core/deploy/aftermath.hpp"
#include "core/sys/clock.hpp"

#include <algorithm>

#include <fmt/core.h>

namespace shipit::deploy {

std::optional<WallTime> trial_end(const App& app, ReleaseNumber release) {
    if (app.ledger.current() != release || app.marks.has(release::MarkKind::good, release))
        return std::nullopt;
    const release::Manifest manifest = app.ledger.load(release);
    if (!manifest.trial || !manifest.evidence.live_at)
        return std::nullopt;
    // By a clock that was set back since, it began just now at the earliest.
    return std::min(*manifest.evidence.live_at, sys::now()) + *manifest.trial;
}

ReleaseNumber bless(const App& app, std::optional<ReleaseNumber> release,
                    std::chrono::milliseconds lock_patience) {
    const auto lock = lock_and_tidy(app, "bless", lock_patience);
    if (!release)
        release = app.live();
    const release::Manifest manifest = app.ledger.load(*release);
    if (!manifest.evidence.live_at || (manifest.status != release::Status::succeeded &&
                                       manifest.status != release::Status::expired))
        throw Error(fmt::format("{} never went live: it cannot be good", release->text()))
            .advise(fmt::format("shipit -a {} output {}", app.name().text(), release->text()));
    if (manifest.slug)
        app.marks.clear_hold(manifest.slug->id);
    app.marks.set(release::MarkKind::good, *release,
                  {app.host.origin.text(), sys::now(), "blessed"});
    app.note_event("bless", *release, name_of(Outcome::done));
    return *release;
}

} // namespace shipit::deploy

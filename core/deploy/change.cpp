#include "core/deploy/change.hpp"

#include "core/base/text.hpp"
#include "core/deploy/aftermath.hpp"
#include "core/deploy/rollback.hpp"
#include "core/deploy/running.hpp"
#include "core/deploy/walk.hpp"
#include "core/sys/clock.hpp"
#include "core/sys/interrupt.hpp"

#include <algorithm>

#include <fmt/core.h>

namespace shipit::deploy {

namespace {

using Clock = std::chrono::steady_clock;

// Packing and unpacking tell often how far they are: where they do, they can be stopped.
Progress stoppable(Progress progress) {
    progress.advance = [inner = std::move(progress.advance)](std::uint64_t done,
                                                             std::uint64_t total) {
        sys::stop_if_interrupted();
        if (inner)
            inner(done, total);
    };
    return progress;
}

// From the record on.
Changed walked(Walk& walk, const Change& change, const ChangeOptions& options,
               std::optional<AppLock>& lock, Clock::time_point begun) {
    try {
        walk.go();
    } catch (const Error& error) {
        lock.reset();
        walk.tell_failure(error.why());
        throw;
    }
    Changed changed;
    changed.release = walk.number();
    changed.previous = walk.previous();
    changed.took = sys::time_since(begun);
    changed.way_back = walk.way_back();
    walk.flush_tree();
    lock.reset();
    const auto hook = walk.tell_success(); // waited for last: going back does not wait for it
    walk.tell_left_behind();
    if (options.patience == Patience::until_good)
        walk.watch(changed);
    if (!changed.watch_failure.empty() && change.on_failed_watch && walk.is_on_probation())
        change.on_failed_watch(changed);
    return changed;
}

Changed walked_to_the_end(Walk& walk, const Change& change, const ChangeOptions& options,
                          std::optional<AppLock>& lock, Clock::time_point begun) {
    try {
        Changed changed = walked(walk, change, options, lock, begun);
        walk.tell_end(changed);
        return changed;
    } catch (const Error& error) {
        walk.tell_end(error);
        throw;
    }
}

// "v1 gets the requests for now", where the supervisor has seen to that.
std::string who_serves(const App& app, ReleaseNumber failed) {
    try {
        if (const auto stand_in = stand_in_for(failed, processes(app)))
            return stand_in->text() + " gets the requests for now";
    } catch (const Error&) { // it does not answer
    }
    return failed.text() + " stays live";
}

// What was in the way is for a person to mend. But for a lock: where only that was, the supervisor
// goes on waiting.
Error not_rolled_back(const App& app, const Changed& changed, const Error& why) {
    const ReleaseNumber failed = changed.release.value();
    Error error(fmt::format("{} went live and failed within its watch window: {}; it could not be "
                            "rolled back: {}; {}",
                            failed.text(), changed.watch_failure, why.why(),
                            who_serves(app, failed)),
                why.outcome() == Outcome::locked ? Outcome::locked : Outcome::down);
    const std::string again = fmt::format("shipit -a {} rollback", app.name().text());
    error.advise(why.next().empty() ? again : why.next() + "; then: " + again);
    error.add_details(why.details());
    return error;
}

// Throws what has happened as one Error. What is down tells all of it already.
RolledBack rolled_back(App& app, const Changed& changed, const RollbackRequest& request) {
    try {
        return rollback(app, request);
    } catch (const Error& error) {
        if (error.outcome() == Outcome::down)
            throw;
        throw not_rolled_back(app, changed, error);
    }
}

// What was good when it failed stays; what was not goes back, whatever has been said of it since:
// the traffic may have gone back already.
void go_back(App& app, const Changed& changed) {
    const std::string failed = changed.release->text();
    if (changed.was_good)
        throw Error(fmt::format("{} failed within its watch window: {}; it stays live, since "
                                "somebody has said that it is good",
                                failed, changed.watch_failure))
            .advise(fmt::format("shipit -a {} logs --release {}", app.name().text(), failed));
    app.host.progress.begin_phase(
        fmt::format("{} failed within its watch window: {}", failed, changed.watch_failure));
    const sys::Uninterrupted to_the_end;
    RollbackRequest back;
    back.automatic = true;
    back.reason = changed.watch_failure;
    back.failed = changed.release;
    back.options = {std::chrono::minutes(5), Patience::until_live};
    const RolledBack done = rolled_back(app, changed, back);
    if (!done.skipped.empty())
        app.host.progress.warn_of("skipped: " + joined_briefly(done.skipped, "; "));
    if (!done.changed.release && app.is_stopped())
        throw Error(fmt::format("{} failed within its watch window: {}; somebody has stopped '{}' "
                                "since, which goes back when it is started",
                                failed, changed.watch_failure, app.name().text()))
            .advise(fmt::format("shipit -a {} start", app.name().text()));
    const std::string end = done.changed.release
                                ? fmt::format("rolled back to {} as {}", done.target.text(),
                                              done.changed.release->text())
                                : fmt::format("{} has taken its place since", done.target.text());
    throw Error(fmt::format("{} went live and failed within its watch window: {}; {}", failed,
                            changed.watch_failure, end),
                Outcome::rolled_back)
        .advise(fmt::format("shipit -a {} logs --release {}", app.name().text(), failed));
}

} // namespace

Changed carry_out(App& app, const Change& change, const ChangeOptions& options) {
    return while_doing(change.attempt, [&] {
        app.host.progress = stoppable(std::move(app.host.progress));
        auto patience = options.lock_patience;
        if (change.prepare)
            patience = std::max(patience, change.prepare(app));
        std::optional<AppLock> lock = lock_and_tidy(app, change.what, patience);
        const auto begun = Clock::now();
        std::optional<Plan> plan = change.plan(app);
        if (!plan)
            return Changed{};
        Walk walk(app, change.what, std::move(*plan));
        return walked_to_the_end(walk, change, options, lock, begun);
    });
}

Changed carry_out_or_go_back(App& app, Change change, const ChangeOptions& options) {
    change.on_failed_watch = [&app](const Changed& changed) { go_back(app, changed); };
    return carry_out(app, change, options);
}

} // namespace shipit::deploy

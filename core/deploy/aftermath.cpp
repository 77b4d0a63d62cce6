#include "core/deploy/aftermath.hpp"

#include "core/base/error.hpp"
#include "core/config/config_vars.hpp"
#include "core/deploy/barrier.hpp"
#include "core/deploy/compare.hpp"
#include "core/deploy/running.hpp"
#include "core/push/arrivals.hpp"
#include "core/sys/clock.hpp"

#include <fmt/core.h>

namespace shipit::deploy {

namespace {

// What was left is bad, and its bytes are refused from now on, unless they are what is live.
void condemn(const App& app, const release::Manifest& manifest, ReleaseNumber left,
             const std::string& why) {
    const release::Mark mark{
        app.host.origin.text(), sys::now(),
        why.empty() ? fmt::format("rolled back from, by {}", manifest.number.text()) : why};
    app.marks.set(release::MarkKind::bad, left, mark);
    if (const auto slug = app.ledger.tree_of(left); slug && *slug != manifest.slug.value().id)
        app.marks.hold(*slug, mark);
}

std::optional<WallTime> when_good(const App& app, ReleaseNumber release) {
    try {
        return app.ledger.load(release).evidence.good_at;
    } catch (const Error&) { // the switch is done; its story is lost
        return std::nullopt;
    }
}

// What was brought back, or taken live, is wanted, whatever was said of it before: if it was good
// until it was called bad, it is so again.
void welcome(const App& app, const release::Manifest& manifest, ReleaseNumber brought_back) {
    app.marks.clear_hold(manifest.slug.value().id);
    if (!app.marks.has(release::MarkKind::bad, brought_back))
        return;
    if (const auto good_at = when_good(app, brought_back))
        app.marks.set(release::MarkKind::good, brought_back,
                      {app.host.origin.text(), *good_at, "no longer bad"});
    else
        app.marks.clear(release::MarkKind::bad, brought_back);
}

// Of those that were killed before they could.
void move_barriers_of_failed(const App& app, ReleaseNumber live) {
    for (const ReleaseNumber barrier : app.marks.barriers_after(live))
        if (app.ledger.load(barrier).status == release::Status::failed)
            move_barrier(app, barrier, live);
}

// What was live before a release was; nothing if nothing was.
std::optional<release::Manifest> live_before(const App& app, ReleaseNumber number) {
    const auto numbers = app.ledger.numbers();
    for (auto each = numbers.rbegin(); each != numbers.rend(); ++each)
        if (*each < number)
            if (auto manifest = app.ledger.load(*each); manifest.evidence.live_at)
                return manifest;
    return std::nullopt;
}

// The config vars that a rollback brings back, and what is staged on top of the release that it
// leaves, which no release has taken up. The same again where it is already saved.
ConfigVars with_what_is_staged(const App& app, const release::Manifest& manifest) {
    ConfigVars vars = manifest.config;
    try {
        const auto left = live_before(app, manifest.number);
        if (!left)
            return vars;
        const ConfigVars today = config::load_config(app.layout.config_toml());
        for (const auto& staged : compare_config(left->config, today))
            if (const auto var = today.find(staged.name); var != today.end())
                vars.insert_or_assign(var->first, var->second);
            else
                vars.erase(staged.name);
    } catch (const Error& error) { // the rollback itself counts more
        app.host.progress.warn_of(error.why() + "; what was staged, if anything, is not kept");
        return manifest.config;
    }
    return vars;
}

} // namespace

void finish_switch(const App& app, release::Manifest& manifest, const std::string& why) {
    if (!manifest.deployer)
        return;
    if (manifest.deployer->sets_config)
        config::save_config(app.layout.config_toml(), manifest.rollback_of || manifest.config_of
                                                          ? with_what_is_staged(app, manifest)
                                                          : manifest.config);
    if (manifest.deployer->leaves)
        condemn(app, manifest, *manifest.deployer->leaves, why);
    if (manifest.deployer->lifts_hold)
        app.marks.clear_hold(manifest.slug.value().id);
    if (const auto& back = manifest.rollback_of ? manifest.rollback_of : manifest.activation_of)
        welcome(app, manifest, *back);
    if (manifest.spec.processes.empty()) // which nobody watches
        app.marks.set(release::MarkKind::good, manifest.number,
                      {app.host.origin.text(), sys::now(), "files only"});
    manifest.deployer.reset();
    app.ledger.save(manifest);
}

void tidy(const App& app, AppLock& lock, Look look) {
    const bool is_in_order =
        look == Look::where_needed && lock.order.is_in_order() && !has_lost_supervisor(app);
    for (const std::string& done : app.ledger.tidy(is_in_order))
        app.host.progress.begin_phase("tidied up: " + done);
    lock.order.set_in_order();
    push::expire_arrivals(push::arrivals_in(app.layout.folder()),
                          slug::Store(app.layout.releases()), sys::now());
    try {
        const auto live = app.ledger.current();
        if (!live)
            return;
        if (release::Manifest manifest = app.ledger.load(*live); manifest.deployer) {
            finish_switch(app, manifest, "");
            app.host.progress.begin_phase(fmt::format(
                "tidied up: the switch to {} was interrupted, and is complete now", live->text()));
        }
        move_barriers_of_failed(app, *live);
    } catch (const Error& error) {
        // Whatever cannot be read or written, the command at hand will say if it minds.
        app.host.progress.warn_of(error.why() + ", ignoring");
    }
}

AppLock lock_and_tidy(const App& app, const std::string& what, std::chrono::milliseconds patience,
                      Look look) {
    AppLock lock = app.lock(what, patience);
    tidy(app, lock, look);
    return lock;
}

void refuse_if_locked(const App& app, const std::string& what, std::chrono::milliseconds patience) {
    if (patience.count() == 0 && sys::Lock::holder(app.layout.lock()))
        (void)app.lock(what, {});
}

} // namespace shipit::deploy

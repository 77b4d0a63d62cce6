#include "core/deploy/walk.hpp"

#include "core/base/text.hpp"
#include "core/deploy/aftermath.hpp"
#include "core/deploy/barrier.hpp"
#include "core/deploy/evidence.hpp"
#include "core/deploy/release_command.hpp"
#include "core/deploy/release_tree.hpp"
#include "core/deploy/running.hpp"
#include "core/slug/unpack.hpp"
#include "core/sys/clock.hpp"
#include "core/sys/interrupt.hpp"

#include <fmt/core.h>
#include <unistd.h>

namespace shipit::deploy {

namespace {

// As it was before the first release.
void point_at_nothing(const App& app) {
    (void)sys::remove_file_durably(app.layout.current());
}

} // namespace

Walk::Walk(App& app, std::string what, Plan plan)
    : m_app(app), m_what(std::move(what)), m_plan(std::move(plan)),
      m_previous(app.ledger.current()), m_manifest(recorded()),
      m_transcript(app.layout.transcript(m_manifest.number)) {
    m_transcript.hold();
    if (!m_plan.goes_live)
        m_what = "store";
}

void Walk::go() {
    try {
        if (m_plan.goes_live)
            go_live();
        else
            store();
    } catch (Error& error) {
        record_failure(error);
        throw;
    }
}

void Walk::go_live() {
    prepare();
    m_handover = hand_over();
    switch_over();
}

// Unpacked all the same: that is what proves that the slug is whole, as long as the build is there
// to pack it anew.
void Walk::store() {
    begin(fmt::format("{}: {}", m_manifest.number.text(), m_manifest.description));
    unpack();
    link_shared_or_warn(m_app, m_manifest.slug.value().id);
    m_manifest.status = release::Status::succeeded;
    m_app.ledger.save(m_manifest);
    m_app.note_event(m_what, m_manifest.number, name_of(Outcome::done), m_manifest.description);
    m_transcript.add("stored; it is not live");
}

void Walk::flush_tree() const {
    flush_release_tree(m_app, m_manifest.slug.value().id);
}

void Walk::watch(Changed& changed) {
    if (!m_plan.goes_live)
        return;
    bool is_well = true;
    try {
        is_well = !m_handover || m_handover->watch();
        changed.is_good = is_well && !m_manifest.trial; // of which a person says it
        m_transcript.add(!is_well          ? "the watch was cut short"
                         : changed.is_good ? "good"
                                           : "well, and on trial");
    } catch (sys::Interrupted& interrupted) {
        m_handover.reset(); // nobody waits any more
        const std::string release = m_manifest.number.text();
        m_app.host.progress.begin_phase(release + " is live; the supervisor goes on watching it");
        std::string next = fmt::format("nothing: {} is live, and is watched", release);
        if (const std::string undo = way_back(); !undo.empty())
            next += fmt::format("; to undo: shipit -a {} {}", m_app.name().text(), undo);
        interrupted.advise(std::move(next));
        throw;
    } catch (const Error& error) {
        if (error.outcome() != Outcome::rolled_back)
            throw;
        m_transcript.add("failed within its watch window: " + error.why());
        changed.watch_failure = error.why();
        changed.was_good = m_handover->was_good();
    }
    m_handover.reset(); // what comes next may be a rollback
    if (!is_well)
        return judge_cut_watch(changed);
    const auto bad = m_app.marks.get(release::MarkKind::bad, m_manifest.number);
    if (changed.is_good && bad && m_plan.is_recorded)
        throw Error(
            fmt::format("{} is live and stayed well, but before its watch was over somebody "
                        "has said that it is bad: {}",
                        m_manifest.number.text(), printable(bad->why)))
            .advise(fmt::format("shipit -a {} rollback", m_app.name().text()));
}

// Its place is taken, or it is stopped, in a while: whoever does so has the lock until that is
// done.
void Walk::judge_cut_watch(Changed& changed) const {
    const AppLock settled = m_app.lock(m_what, std::chrono::hours(1));
    const std::string release = m_manifest.number.text();
    const std::string app = m_app.name().text();
    if (m_app.ledger.current() != m_manifest.number)
        return tell_of_successor(changed);
    if (m_app.is_stopped())
        throw Error(fmt::format("'{}' was stopped before the watch of {} was over", app, release))
            .advise(fmt::format("shipit -a {} start", app));
    if (live_generation(m_app) && !is_supervised(m_app))
        throw Error(fmt::format("{} is live, and the supervisor ended before its watch was over: "
                                "nobody watches it",
                                release))
            .advise(fmt::format("shipit -a {} start", app));
    m_app.host.progress.begin_phase(release + " is live, and is watched anew");
}

// What took its place before its watch was over. A step forward from it, a new deploy or other
// config vars, is no failure of it; throws Error where it is one.
void Walk::tell_of_successor(Changed& changed) const {
    const std::string release = m_manifest.number.text();
    const std::string how = fmt::format("shipit -a {} status", m_app.name().text());
    const auto live = m_app.ledger.current();
    if (!live)
        throw Error(release + " is not live any more, and nothing is").advise(how);
    const auto next = m_app.ledger.load(*live);
    const bool goes_back = (next.rollback_of || next.config_of) && !next.is_undo;
    const std::string what =
        fmt::format("{} is not live any more: before its watch was over, {} {} ('{}', by {})",
                    release, goes_back ? "it was rolled back as" : "its place was taken by",
                    live->text(), printable(next.description), printable(next.created_by));
    if (goes_back)
        throw Error(what, Outcome::rolled_back).advise(how);
    changed.successor = live;
    changed.way_back.clear();
    m_app.host.progress.begin_phase(what);
}

void Walk::tell_left_behind() const {
    if (m_left && m_left->slug && m_left->slug->id != m_manifest.slug.value().id)
        deploy::tell_left_behind(m_app, *m_left);
}

void Walk::tell_failure(const std::string& why) const {
    if (m_plan.is_recorded)
        run_hook(m_app, {"failed", m_manifest.number, m_previous, why});
}

std::unique_ptr<HookBeside> Walk::tell_success() const {
    if (!m_plan.is_recorded || !m_plan.goes_live)
        return nullptr;
    const bool goes_back = m_manifest.rollback_of || m_manifest.config_of;
    return std::make_unique<HookBeside>(m_app,
                                        HookCall{goes_back ? "rolled_back" : "deployed",
                                                 m_manifest.number, m_previous, m_plan.verdict});
}

void Walk::tell_end(const Changed& changed) {
    const std::string release = m_manifest.number.text();
    if (!changed.watch_failure.empty())
        m_transcript.end(static_cast<int>(Outcome::failed), release + " is live, and failed");
    else if (changed.successor)
        m_transcript.end(0, fmt::format("{} was live until {} took its place", release,
                                        changed.successor->text()));
    else
        m_transcript.end(0, release + (!m_plan.goes_live ? " is stored"
                                       : changed.is_good ? " is live and good"
                                                         : " is live"));
}

void Walk::tell_end(const Error& error) {
    constexpr int signal_base = 128;
    const auto* const interrupted = dynamic_cast<const sys::Interrupted*>(&error);
    m_transcript.end(interrupted != nullptr ? signal_base + interrupted->signal()
                                            : static_cast<int>(error.outcome()),
                     error.why());
}

std::string Walk::way_back() const {
    if (!m_plan.is_recorded || !m_plan.goes_live || !m_previous || !m_left)
        return "";
    try {
        if (!barrier_before(m_app, *m_previous).empty())
            return "";
    } catch (const Error&) { // it would keep from going back, too
        return "";
    }
    const bool went_back = m_manifest.rollback_of || m_manifest.config_of;
    return went_back && !m_manifest.is_undo ? "rollback --undo" : "rollback " + m_previous->text();
}

release::Manifest Walk::recorded() const {
    if (!m_plan.is_recorded)
        return m_plan.manifest;
    release::Manifest draft = m_plan.manifest;
    draft.created_by = m_app.host.origin.user;
    draft.client_address = m_app.host.origin.address;
    return m_app.ledger.begin(std::move(draft));
}

void Walk::begin(const std::string& step) {
    sys::stop_if_interrupted();
    m_transcript.add(step);
    m_app.host.progress.begin_phase(step);
}

void Walk::prepare() {
    begin(fmt::format("{}: {}", m_manifest.number.text(), m_manifest.description));
    unpack();
    const auto settings = m_app.settings_of_tree(m_tree);
    m_user = m_app.account(settings.app);
    link_shared_of(m_app, m_manifest.slug.value().id, settings);
    m_reload = settings.app.reload;
    m_reload_is_builds = settings.app.reload_is_builds;
    if (::geteuid() == 0 && !m_user && !m_manifest.spec.processes.empty())
        m_app.host.progress.warn_of(
            fmt::format("the processes run as root; better: shipit -a {} set app.user=USER",
                        m_app.name().text()));
    if (!m_plan.irreversible.empty())
        set_barrier(m_app, m_manifest.number, m_plan.irreversible);
    if (m_plan.is_recorded && !m_manifest.spec.release_command.command.empty())
        run_release_command();
}

void Walk::unpack() {
    sys::stop_if_interrupted();
    const auto origin = m_plan.is_fresh ? Slug::packed_just_now : Slug::from_store;
    try {
        m_tree = unpacked_tree(m_app, m_manifest.slug.value(), origin);
    } catch (const Error& error) {
        if (error.outcome() != Outcome::corrupt || !m_plan.repack)
            throw;
        m_app.host.progress.warn_of(error.why() + "; packing the build anew");
        m_manifest.slug = m_plan.repack();
        m_app.ledger.save(m_manifest);
        m_tree = unpacked_tree(m_app, *m_manifest.slug, Slug::packed_just_now);
    }
}

void Walk::run_release_command() {
    begin("release command: " + m_manifest.spec.release_command.command);
    const auto undoable = [this] {
        CommandOutput kept(m_transcript);
        return run_command_of_release(m_app, m_manifest, m_tree, [&](std::string_view output) {
            kept.add(output);
            m_app.host.progress.show(std::string(output));
        });
    }();
    if (undoable == Undoable::no)
        become_irreversible();
}

void Walk::become_irreversible() {
    set_barrier(m_app, m_manifest.number, "its release command exited with 10, which says so");
    begin(fmt::format("{} cannot be undone: its release command exited with 10",
                      m_manifest.number.text()));
    if (!m_manifest.trial)
        return;
    m_app.host.progress.warn_of("so it is not on trial: there would be no way back");
    m_manifest.trial.reset();
    m_app.ledger.save(m_manifest);
}

// Only what brings something new is taken back, only once, and never across a barrier.
bool Walk::may_go_back() const {
    return is_on_probation() && (!m_previous || barrier_before(m_app, *m_previous).empty());
}

bool Walk::is_on_probation() const {
    return (m_plan.is_recorded || !m_plan.was_good) && !m_manifest.rollback_of &&
           !m_manifest.config_of;
}

// Nothing for an app that is files only and has nothing to stop.
std::unique_ptr<Handover> Walk::hand_over() {
    supervise::Generation generation = generation_of(m_app, m_manifest, m_tree);
    if (m_plan.was_good)
        generation.health.passes = 1;
    if (generation.programs.empty() && !is_supervised(m_app) && !m_plan.scales)
        return nullptr;
    begin(fmt::format("starting {}", m_manifest.number.text()));
    auto kind = may_go_back() ? Handover::Kind::goes_back : Handover::Kind::stays;
    if (m_plan.scales)
        kind = Handover::Kind::scales;
    auto handover = std::make_unique<Handover>(m_app, generation, kind);
    const auto begun = std::chrono::steady_clock::now();
    handover->prove();
    m_manifest.evidence.healthy_after = sys::time_since(begun);
    return handover;
}

void Walk::switch_over() {
    begin(fmt::format("switching to {}", m_manifest.number.text()));
    const auto before = m_plan.is_recorded ? previous_manifest() : std::nullopt;
    // After a power cut, files are served as they are: no supervisor looks at them before.
    const bool is_files_only = m_manifest.spec.processes.empty();
    if (is_files_only)
        slug::flush_tree(m_manifest.slug.value().id, m_app.layout.trees());
    if (m_plan.is_recorded)
        move_current();
    if (m_handover)
        commit(before);
    else
        m_app.set_stopped(false);
    m_left = before;
    if (before) // before what is said of it, that it was good goes into its manifest
        end(*before);
    if (m_plan.is_recorded)
        while_doing(fmt::format("finishing the switch; {} is live", m_manifest.number.text()),
                    [this] { finish_switch(m_app, m_manifest, m_plan.verdict); });
    m_app.note_event(m_what, m_manifest.number, name_of(Outcome::done), m_manifest.description);
    m_transcript.add("live");
    if (!m_reload.empty() && is_files_only)
        run_reload();
}

void Walk::move_current() {
    m_manifest.status = release::Status::succeeded;
    m_manifest.evidence.live_at = sys::now();
    m_manifest.deployer->sets_config = m_plan.sets_config;
    if (m_plan.condemns)
        m_manifest.deployer->leaves = m_previous;
    m_manifest.deployer->lifts_hold = m_plan.lifts_hold;
    // The record first: what `current` points at is always recorded as having succeeded.
    m_app.ledger.save_before_switch(m_manifest);
    m_app.ledger.point_at(m_manifest.number, m_manifest.slug.value().id);
}

// What ends between its proof and this has failed, as if it had before; `current` with it. But
// where no verdict comes, the supervisor goes by `current`. An app that was stopped is so until
// now: nothing of it starts because of a release that fails.
void Walk::commit(const std::optional<release::Manifest>& before) {
    const bool was_stopped = m_app.is_stopped();
    m_app.set_stopped(false);
    try {
        m_handover->commit();
    } catch (const Error& error) {
        const bool is_verdict =
            error.outcome() == Outcome::release_failed || error.outcome() == Outcome::down;
        if (is_verdict)
            m_app.set_stopped(was_stopped);
        if (is_verdict && before && before->slug)
            m_app.ledger.point_at(before->number, before->slug->id);
        else if (is_verdict && m_plan.is_recorded && !m_previous)
            point_at_nothing(m_app);
        throw;
    }
}

void Walk::run_reload() {
    if (m_reload_is_builds && ::geteuid() == 0 && !m_user) {
        m_app.host.progress.warn_of("the build's app.reload is not run as root; set app.user, or "
                                    "app.reload on this host");
        return;
    }
    const sys::Uninterrupted to_the_end; // it is live
    const std::string step = "reload: " + m_reload;
    m_transcript.add(step);
    m_app.host.progress.begin_phase(step);
    try {
        CommandOutput kept(m_transcript);
        const OnOutput keep = [&kept](std::string_view output) { kept.add(output); };
        if (m_reload_is_builds)
            run_reload_command(m_app, m_manifest, m_tree, m_reload, keep);
        else
            run_hosts_reload_command(m_app, m_manifest, m_reload, keep);
    } catch (const Error& error) {
        m_app.host.progress.warn_of(error.why() + "; the release is live all the same");
    }
}

std::optional<release::Manifest> Walk::previous_manifest() const {
    if (!m_previous)
        return std::nullopt;
    try {
        return m_app.ledger.load(*m_previous);
    } catch (const Error& error) {
        m_app.host.progress.warn_of(error.why() + ", ignoring");
        return std::nullopt;
    }
}

void Walk::end(release::Manifest before) const {
    try {
        before.evidence.ended_at = sys::now();
        conclude(m_app, before);
        m_app.ledger.save(std::move(before));
    } catch (const Error& error) {
        m_app.host.progress.warn_of(error.why() + ", ignoring");
    }
}

void Walk::become_failed(const std::string& why) {
    m_manifest.status = release::Status::failed;
    m_manifest.evidence.live_at.reset();
    m_manifest.evidence.ended_at = sys::now();
    m_manifest.evidence.why_failed = why;
    conclude(m_app, m_manifest);
    m_app.ledger.save(m_manifest);
    if (m_previous)
        move_barrier(m_app, m_manifest.number, *m_previous);
}

void Walk::record_failure(Error& error) {
    m_handover.reset();
    try {
        m_transcript.add("failed: " + error.why());
        if (const auto conduct = conduct_of(m_app, m_manifest.number); !conduct.last_lines.empty())
            m_transcript.add(conduct.last_lines);
        m_transcript.flush();
        if (m_plan.undo)
            m_plan.undo();
        if (m_plan.is_recorded && m_app.ledger.current() != m_manifest.number)
            become_failed(error.why());
    } catch (const Error& second) {
        // The first failure is what matters; this one leaves a pending release, which every
        // reader takes for an interrupted one.
        m_app.host.progress.warn_of(second.why() + ", ignoring");
    }
    m_app.note_event(m_what, m_manifest.number, name_of(error.outcome()), error.why());
    error.advise(
        fmt::format("shipit -a {} output {}", m_app.name().text(), m_manifest.number.text()));
}

} // namespace shipit::deploy

#include "core/deploy/rollback.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/config/config_vars.hpp"
#include "core/deploy/barrier.hpp"
#include "core/deploy/holds.hpp"
#include "core/sys/clock.hpp"

#include <fmt/core.h>

namespace shipit::deploy {

namespace {

// The choice of what to go back to, and what it becomes.
class Return {
  public:
    Return(const RollbackRequest& request) : m_request(request) {}

    std::optional<Plan> plan(App& app) {
        if (!m_request.automatic && !m_request.force)
            refuse_if_held(app);
        const auto live = app.ledger.current();
        if (!live && !m_request.to)
            throw Error(fmt::format("nothing of '{}' is live, so there is nothing to go back from",
                                    app.name().text()))
                .advise(fmt::format("shipit -a {} rollback vN takes a release of the past live",
                                    app.name().text()));
        const bool is_settled = m_request.failed && m_request.unless_good &&
                                app.marks.has(release::MarkKind::good, *m_request.failed);
        if (is_settled || (m_request.failed && live != m_request.failed)) {
            m_target = live;
            return std::nullopt;
        }
        m_target = m_request.to ? chosen(app, *m_request.to, live) : newest_good(app, *live);
        if (m_target == live)
            return std::nullopt;
        if (!m_request.force)
            refuse_to_cross_barrier(app);
        return plan_for(app, app.ledger.load(*m_target));
    }

    [[nodiscard]] ReleaseNumber target() const { return m_target.value(); }
    [[nodiscard]] const std::vector<std::string>& skipped() const { return m_skipped; }

  private:
    ReleaseNumber newest_good(App& app, ReleaseNumber live) {
        const release::Choice choice = release::choose_rollback(app.ledger, app.marks);
        for (const release::Skipped& skipped : choice.skipped)
            m_skipped.push_back(fmt::format("{} {}", skipped.number.text(), skipped.why));
        if (!choice.note.empty())
            app.host.progress.warn_of(choice.note);
        if (choice.target)
            return *choice.target;
        std::string why =
            choice.from == live
                ? fmt::format("there is no release before {} to go back to", live.text())
                : fmt::format("{} has brought {} back, and there is no release before that",
                              live.text(), choice.from.value_or(live).text());
        if (!m_skipped.empty())
            why += ": " + joined(m_skipped, "; ");
        throw Error(why, m_request.automatic ? Outcome::down : Outcome::failed)
            .advise(fmt::format("shipit -a {} releases", app.name().text()));
    }

    static ReleaseNumber chosen(const App& app, ReleaseNumber number,
                                std::optional<ReleaseNumber> live) {
        (void)app.ledger.load(number); // says so if there is no such release
        const auto eligible = app.ledger.eligibility(app.marks, number);
        if (!eligible.possible && number != live)
            throw Error(fmt::format("{} cannot be rolled back to: {}", number.text(), eligible.why))
                .advise(fmt::format("shipit -a {} releases", app.name().text()));
        return number;
    }

    void refuse_to_cross_barrier(const App& app) const {
        const std::string why = barrier_before(app, *m_target);
        if (why.empty())
            return;
        const bool alone = m_request.automatic;
        const std::string next =
            fmt::format("shipit -a {} rollback --force {}", app.name().text(), m_target->text());
        if (alone)
            app.note_event("rollback", m_target, name_of(Outcome::down), why);
        throw Error(alone ? fmt::format("{}; it stays live, since {}", m_request.reason, why) : why,
                    alone ? Outcome::down : Outcome::held)
            .advise(fmt::format("if {} can work with the data as they are now: {}",
                                m_target->text(), next));
    }

    [[nodiscard]] Plan plan_for(const App& app, const release::Manifest& target) const {
        Plan plan{release::Manifest{target.number, app.name()}};
        plan.manifest.description =
            fmt::format("{} to {}", m_request.automatic ? "Automatic rollback" : "Rollback",
                        target.number.text());
        plan.manifest.slug = target.slug;
        plan.manifest.source = target.source;
        plan.manifest.spec = target.spec;
        plan.manifest.config = target.config;
        plan.manifest.rollback_of = target.number;
        plan.was_good = app.marks.get(release::MarkKind::good, target.number).has_value();
        plan.sets_config = true;
        plan.condemns = true;
        plan.verdict = m_request.reason;
        return plan;
    }

    const RollbackRequest& m_request;
    std::optional<ReleaseNumber> m_target;
    std::vector<std::string> m_skipped;
};

} // namespace

RolledBack rollback(App& app, const RollbackRequest& request) {
    Return back(request);
    Change change;
    change.what = "rollback";
    change.attempt = fmt::format("rolling back '{}'", app.name().text());
    change.plan = [&back](App& locked) { return back.plan(locked); };
    Changed changed = carry_out(app, change, request.options);
    if (!changed.watch_failure.empty())
        throw Error(fmt::format("{} is live but failed within its watch window: {}",
                                changed.release->text(), changed.watch_failure))
            .advise(fmt::format("shipit -a {} logs --release {}", app.name().text(),
                                changed.release->text()));
    return {changed, back.target(), back.skipped()};
}

} // namespace shipit::deploy

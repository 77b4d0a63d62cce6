#include "core/deploy/rollback.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/compare.hpp"
#include "core/deploy/forward.hpp"
#include "core/deploy/way_back.hpp"
#include "core/slug/store.hpp"

#include <fmt/core.h>

namespace shipit::deploy {

namespace {

// The choice of what to go back to, and what it becomes.
class Return {
  public:
    // Before the lock is waited for.
    Return(const RollbackRequest& request, std::optional<ReleaseNumber> seen_live)
        : m_request(request), m_seen_live(seen_live) {}

    std::optional<Plan> plan(App& app) {
        const auto live = app.ledger.current();
        if (is_settled(app, live)) {
            m_way = WayBack{*live, {}, ""};
            return std::nullopt;
        }
        if (live != m_seen_live && !m_request.to)
            refuse_other_live(app, live);
        m_way = way_back(app, m_request, live);
        if (!m_way->note.empty())
            app.host.progress.warn_of(m_way->note);
        if (m_way->target == live)
            return std::nullopt;
        refuse_what_needs_force(app, m_request, m_way->target);
        const auto target = app.ledger.load(m_way->target);
        if (live && m_request.restores != Restores::code)
            tell_dropped(app, *live, target.config);
        if (m_request.restores == Restores::config)
            return plan_for_config(app, app.ledger.load(*live), target);
        auto plan = plan_for(app, target);
        if (m_request.to && !m_request.undo && is_live_already(app, plan.manifest))
            return std::nullopt; // another release has brought it back
        return plan;
    }

    [[nodiscard]] const WayBack& way() const { return m_way.value(); }

  private:
    // Of an automatic one: what failed is not live any more, or a person has said that it is good,
    // or has stopped the app: then its start watches it again, and goes back.
    [[nodiscard]] bool is_settled(const App& app, std::optional<ReleaseNumber> live) const {
        if (!m_request.failed || !live)
            return false;
        return live != m_request.failed || app.is_stopped() ||
               (m_request.unless_good && app.marks.has(release::MarkKind::good, *m_request.failed));
    }

    // Where to go back to, and what is bad, was meant of what was live when it was asked for:
    // another person's rollback, or a deploy, may have been what was waited for.
    void refuse_other_live(const App& app, std::optional<ReleaseNumber> live) const {
        const std::string before = m_seen_live ? m_seen_live->text() : "nothing";
        if (!live)
            throw Error(before + " is live no more; nothing was changed");
        std::string other = live->text();
        try {
            const auto manifest = app.ledger.load(*live);
            other += fmt::format(" ('{}', by {})", printable(manifest.description),
                                 printable(manifest.created_by));
        } catch (const Error&) { // its number says enough
        }
        throw Error(
            fmt::format("{} has taken {}'s place meanwhile; nothing was changed", other, before))
            .advise(m_request.undo
                        ? fmt::format("if {} is to be undone: shipit -a {} rollback --undo",
                                      live->text(), app.name().text())
                        : fmt::format("if {} is no good either: shipit -a {} rollback",
                                      live->text(), app.name().text()));
    }

    [[nodiscard]] std::string description(const std::string& target) const {
        std::string text = m_request.automatic ? "Automatic rollback" : "Rollback";
        text += m_request.restores == Restores::config ? " to the config vars of " + target
                                                       : " to " + target;
        if (m_request.restores == Restores::code)
            text += ", its code only";
        if (m_request.undo)
            text = fmt::format("Undo: back to {}", target);
        return m_request.message.empty() ? text : fmt::format("{}: {}", text, m_request.message);
    }

    // From now on they are in the manifest of what is left, and nowhere else.
    void tell_dropped(const App& app, ReleaseNumber live, const ConfigVars& vars) const {
        try {
            std::vector<std::string> dropped;
            std::vector<std::string> changed;
            for (const VarChange& var : compare_config(vars, app.ledger.load(live).config))
                if (var.fate != Fate::removed)
                    (var.fate == Fate::added ? dropped : changed).push_back(var.name);
            std::vector<std::string> told;
            if (!dropped.empty())
                told.push_back(fmt::format("does not have what {} has set: {}", live.text(),
                                           joined(dropped, ", ")));
            if (!changed.empty())
                told.push_back("has another value of " + joined(changed, ", "));
            if (!told.empty())
                app.host.progress.warn_of(
                    fmt::format("{} {}", m_way->target.text(), joined(told, "; it ")));
        } catch (const Error&) { // to leave what cannot be read is all the more wanted
        }
    }

    [[nodiscard]] Plan plan_for(const App& app, const release::Manifest& target) const {
        Plan plan{release::Manifest{target.number, app.name()}};
        plan.manifest.description = description(target.number.text());
        plan.manifest.slug = target.slug;
        plan.manifest.source = target.source;
        plan.manifest.spec = target.spec;
        const bool code_only = m_request.restores == Restores::code;
        plan.manifest.config = code_only ? vars_of_now(app) : target.config;
        refuse_missing_vars(app, m_request, target.number, target, plan.manifest.config);
        plan.manifest.rollback_of = target.number;
        plan.manifest.is_undo = m_request.undo;
        plan.was_good =
            !code_only && app.marks.get(release::MarkKind::good, target.number).has_value();
        plan.sets_config = !code_only;
        plan.condemns = !m_request.undo;
        if (!target.evidence.live_at)
            go_forward(app, target, plan);
        plan.verdict = m_request.automatic ? m_request.reason : m_request.message;
        return plan;
    }

    // To what was imported and has never been live: what is left is not bad for that, and what the
    // build does to the app's data it does now.
    static void go_forward(const App& app, const release::Manifest& target, Plan& plan) {
        plan.condemns = false;
        const slug::Store store(app.layout.releases());
        if (!target.slug || !store.has(target.slug->id))
            return; // which is refused elsewhere
        if (app.settings_of_slug(store.path_of(target.slug->id)).is_irreversible)
            plan.irreversible = "its build says release.irreversible";
    }

    [[nodiscard]] std::optional<Plan> plan_for_config(const App& app, const release::Manifest& live,
                                                      const release::Manifest& target) const {
        if (live.config == target.config)
            return std::nullopt;
        refuse_missing_vars(app, m_request, target.number, live, target.config);
        Plan plan{release::Manifest{live.number, live.app}};
        plan.manifest.description = description(target.number.text());
        plan.manifest.slug = live.slug;
        plan.manifest.source = live.source;
        plan.manifest.spec = live.spec;
        plan.manifest.config = target.config;
        plan.manifest.config_of = target.number;
        plan.sets_config = true;
        plan.condemns = true;
        plan.verdict = m_request.message;
        return plan;
    }

    const RollbackRequest& m_request;
    std::optional<ReleaseNumber> m_seen_live;
    std::optional<WayBack> m_way;
};

// Nobody else will be told that what failed stays live.
void note_refusal(const App& app, const RollbackRequest& request, const Error& error) {
    if (request.automatic && error.outcome() == Outcome::down)
        app.note_event("rollback", request.failed, name_of(error.outcome()), error.why());
}

} // namespace

RolledBack rollback(App& app, const RollbackRequest& request) {
    Return back(request, app.ledger.current());
    Change change;
    change.what = "rollback";
    change.attempt = fmt::format("rolling back '{}'", app.name().text());
    change.plan = [&](App& locked) {
        try {
            return back.plan(locked);
        } catch (const Error& error) {
            note_refusal(locked, request, error);
            throw;
        }
    };
    Changed changed = carry_out(app, change, request.options);
    if (!changed.watch_failure.empty())
        throw Error(fmt::format("{} is live but failed within its watch window: {}",
                                changed.release->text(), changed.watch_failure))
            .advise(fmt::format("shipit -a {} logs --release {}", app.name().text(),
                                changed.release->text()));
    return {changed, back.way().target, back.way().skipped};
}

} // namespace shipit::deploy

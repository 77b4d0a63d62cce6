#include "core/deploy/activate.hpp"

#include "core/base/text.hpp"
#include "core/config/config_vars.hpp"
#include "core/deploy/barrier.hpp"
#include "core/deploy/compare.hpp"
#include "core/deploy/forward.hpp"
#include "core/deploy/holds.hpp"
#include "core/slug/slug_contents.hpp"
#include "core/slug/slug_file.hpp"

#include <fmt/core.h>

namespace shipit::deploy {

namespace {

class Activation {
  public:
    Activation(const ActivateRequest& request) : m_request(request) {}

    std::optional<Plan> plan(App& app) {
        if (!m_request.force)
            refuse_if_held(app);
        const auto stored = app.ledger.load(m_request.release);
        m_description = description_of(stored);
        const ConfigVars vars = config::load_config(app.layout.config_toml());
        if (runs_already(app, stored, vars))
            return nothing_to_do(app);
        refuse_impossible(app);
        if (!m_request.force)
            refuse_unwanted(app, stored);
        const slug::SlugFile slug(app.layout.slug(stored.slug.value().id));
        const auto settings = checked_settings(app, slug::read_small_file(slug, "shipit.toml"),
                                               slug::read_small_file(slug, "Procfile"), vars);
        if (!m_request.force)
            refuse_to_end_processes(app, settings, command_by_force(app));
        Plan plan = forward_plan(
            app, {*stored.slug, settings, vars, m_description, stored.source, m_request.trial});
        plan.manifest.activation_of = stored.number;
        if (is_live_already(app, plan.manifest))
            return nothing_to_do(app);
        tell_changed_vars(app, stored, vars);
        return plan;
    }

    [[nodiscard]] const std::string& description() const { return m_description; }
    [[nodiscard]] const std::optional<ReleaseNumber>& live_already() const {
        return m_live_already;
    }

  private:
    std::optional<Plan> nothing_to_do(const App& app) {
        m_live_already = app.ledger.current();
        see_that_it_runs(app);
        return std::nullopt;
    }

    // Whatever else is to be said of it: it may be pruned by now.
    static bool runs_already(const App& app, const release::Manifest& stored,
                             const ConfigVars& vars) {
        const auto live = app.ledger.current();
        if (!live || app.is_stopped() || app.marks.has(release::MarkKind::bad, *live))
            return false;
        try {
            const auto manifest = app.ledger.load(*live);
            return (live == stored.number || manifest.activation_of == stored.number) &&
                   manifest.config == vars;
        } catch (const Error&) { // to take another live is a way out of that
            return false;
        }
    }

    static std::string command_for(const App& app, const std::string& words) {
        return fmt::format("shipit -a {} {}", app.name().text(), words);
    }

    [[nodiscard]] std::string command_by_force(const App& app) const {
        return (may_force() ? "" : "on the host: ") +
               command_for(app, "activate --force " + m_request.release.text());
    }

    void refuse_impossible(const App& app) const {
        const auto eligible = app.ledger.eligibility(app.marks, m_request.release);
        if (!eligible.possible && app.ledger.current() != m_request.release)
            throw Error(
                fmt::format("{} cannot be taken live: {}", m_request.release.text(), eligible.why))
                .advise(command_for(app, "releases"));
    }

    // What somebody has said of it, or of its files, and what it would not find as it expects.
    void refuse_unwanted(const App& app, const release::Manifest& stored) const {
        const std::string release = stored.number.text();
        const std::string by_force = command_by_force(app);
        if (const auto mark = app.marks.get(release::MarkKind::bad, stored.number))
            throw Error(fmt::format("{} is marked bad by {} since {}: {}", release,
                                    printable(mark->who), time_text(mark->at),
                                    printable(mark->why)),
                        Outcome::held)
                .advise(fmt::format("if it is wanted all the same: {}", by_force));
        refuse_if_held(app, stored.slug.value().id,
                       fmt::format("if it is wanted all the same: {}", by_force));
        if (const std::string why = barrier_before(app, stored.number); !why.empty())
            throw Error(why, Outcome::held)
                .advise(fmt::format("if {} can work with the data as they are now: {}", release,
                                    by_force));
    }

    [[nodiscard]] std::string description_of(const release::Manifest& stored) const {
        const std::string& text =
            m_request.message.empty() ? stored.description : m_request.message;
        const std::string what = "Activate " + stored.number.text();
        return text.empty() ? what : fmt::format("{}: {}", what, text);
    }

    static void tell_changed_vars(const App& app, const release::Manifest& stored,
                                  const ConfigVars& vars) {
        std::vector<std::string> names;
        for (const VarChange& change : compare_config(stored.config, vars))
            names.push_back(change.name);
        if (!names.empty())
            app.host.progress.begin_phase(
                fmt::format("with today's config vars, of which {} {} changed since {} was stored",
                            joined_briefly(names, ", "), names.size() == 1 ? "has" : "have",
                            stored.number.text()));
    }

    const ActivateRequest& m_request;
    std::string m_description;
    std::optional<ReleaseNumber> m_live_already;
};

} // namespace

Activated activate(App& app, const ActivateRequest& request) {
    Activation activation(request);
    Change change;
    change.what = "activate";
    change.attempt =
        fmt::format("activating {} of '{}'", request.release.text(), app.name().text());
    change.plan = [&activation](App& locked) { return activation.plan(locked); };
    const Changed changed = carry_out_or_go_back(app, change, request.options);
    return {changed, activation.description(), activation.live_already()};
}

} // namespace shipit::deploy

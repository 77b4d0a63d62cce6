#include "core/deploy/rehearsal.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/aftermath.hpp"
#include "core/deploy/release_tree.hpp"
#include "core/deploy/running.hpp"
#include "core/deploy/way_back.hpp"
#include "core/slug/store.hpp"
#include "core/sys/clock.hpp"

#include <algorithm>
#include <functional>

#include <fmt/core.h>

namespace shipit::deploy {

namespace {

using Clock = std::chrono::steady_clock;

class Rehearsing {
  public:
    Rehearsing(App& app, const RollbackRequest& request)
        : m_app(app), m_request(request), m_live(app.ledger.current()),
          m_way(way_back(app, request, m_live)), m_target(app.ledger.load(m_way.target)),
          m_code(request.restores == Restores::config ? app.ledger.load(m_live.value()) : m_target),
          m_result{m_way.target, m_way.skipped, {}, Outcome::done, std::nullopt} {}

    Rehearsal run() {
        look("what would take --force", [this] {
            refuse_what_needs_force(m_app, m_request, m_way.target);
            return "nothing that would take --force";
        });
        if (!m_way.note.empty())
            m_result.findings.push_back({true, m_way.note});
        const SlugId slug = m_code.slug.value().id;
        look("its slug", [&] {
            slug::Store(m_app.layout.releases())
                .check(slug, m_code.slug->sha256, m_app.host.progress);
            return fmt::format("slug {} is whole", slug.brief());
        });
        if (m_result.is_ready() || m_result.outcome == Outcome::held)
            look_at_tree();
        return std::move(m_result);
    }

  private:
    // An Error says why it is not well.
    void look(const std::string& what, const std::function<std::string()>& find) {
        m_app.host.progress.begin_phase("looking at " + what);
        try {
            m_result.findings.push_back({true, find()});
        } catch (const Error& error) {
            m_result.findings.push_back({false, error.why()});
            if (m_result.is_ready())
                m_result.outcome = error.outcome();
        }
    }

    // What is there already may be live, and is only looked at.
    void look_at_tree() {
        const auto begun = Clock::now();
        const SlugId slug = m_code.slug.value().id;
        const bool is_there = sys::is_there(m_app.layout.tree(slug));
        std::optional<config::Settings> settings;
        if (!is_there)
            look("the disk", [this] { return room(); });
        look("its tree", [&] {
            std::string finding = is_there ? tree_that_is_there(slug) : unpacking();
            settings = m_app.settings_of_slug(slug::Store(m_app.layout.releases()).path_of(slug));
            return finding;
        });
        if (!settings)
            return;
        look("its settings", [&] { return its_settings(*settings); });
        const auto took = sys::time_since(begun);
        if (const auto& healthy = m_target.evidence.healthy_after)
            m_result.estimate = took + *healthy;
    }

    std::string unpacking() const {
        (void)complete_tree(m_app, *m_code.slug);
        return "it unpacks";
    }

    std::string tree_that_is_there(const SlugId& slug) const {
        const auto changed = changed_in_tree(m_app, slug);
        if (!changed)
            return "it is not whole, and will be unpacked anew";
        if (changed->empty())
            return "it is unpacked already";
        return fmt::format("it is unpacked already; '{}'{} changed on this server since, and will "
                           "be restored from the slug",
                           printable(changed->front()),
                           changed->size() > 1 ? fmt::format(" and {} more", changed->size() - 1)
                                               : "");
    }

    std::string room() const {
        const std::uint64_t free = sys::disk_space(m_app.layout.trees()).free_bytes;
        const std::uint64_t needed = m_code.slug->unpacked;
        if (free < needed)
            throw Error(fmt::format("there is no room to unpack it: it takes {}, and {} is free",
                                    size_text(needed), size_text(free)));
        return fmt::format("{} to unpack, {} is free", size_text(needed), size_text(free));
    }

    [[nodiscard]] ConfigVars vars() const {
        return m_request.restores == Restores::code ? vars_of_now(m_app) : m_target.config;
    }

    std::string its_settings(const config::Settings& settings) const {
        (void)m_app.account(settings.app);
        refuse_missing_vars(m_app, m_request, m_way.target, m_code, vars());
        return "its config vars are complete";
    }

    App& m_app;
    const RollbackRequest& m_request;
    std::optional<ReleaseNumber> m_live;
    WayBack m_way;
    release::Manifest m_target;
    release::Manifest m_code; // of which release it would be
    Rehearsal m_result;
};

} // namespace

Rehearsal rehearse_rollback(App& app, const RollbackRequest& request) {
    return while_doing(fmt::format("rehearsing a rollback of '{}'", app.name().text()), [&] {
        auto lock = app.lock("rollback --check", request.options.lock_patience);
        tidy(app, lock);
        return Rehearsing(app, request).run();
    });
}

} // namespace shipit::deploy

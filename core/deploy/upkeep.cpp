#include "core/deploy/upkeep.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/slug/store.hpp"
#include "core/slug/verify.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/core.h>

namespace shipit::deploy {

namespace {

struct Wanted {
    std::string sha256;
    std::vector<ReleaseNumber> releases;
};

std::string words_of(const slug::Difference& difference) {
    if (difference.kind == slug::Difference::Kind::mode)
        return fmt::format("'{}' has another mode", printable(difference.path));
    return fmt::format("'{}' is {}", printable(difference.path), slug::name_of(difference.kind));
}

class Verification {
  public:
    Verification(const App& app) : m_app(app), m_store(app.layout.releases()) {}

    Verified run(std::optional<ReleaseNumber> only, bool trees) {
        for (const release::Entry& entry : m_app.ledger.newest(release::Ledger::all))
            if (!only || entry.number == *only)
                take(entry);
        check_live(only, trees);
        for (const auto& [id, wanted] : m_slugs) {
            check_slug(id, wanted);
            if (trees && sys::is_there(m_app.layout.tree(id)))
                check_tree(id, wanted);
        }
        return std::move(m_result);
    }

  private:
    void take(const release::Entry& entry) {
        if (!entry.manifest) {
            m_result.faults.push_back({m_app.layout.manifest(entry.number).filename().string(),
                                       entry.complaint,
                                       {entry.number}});
            return;
        }
        const auto& slug = entry.manifest->slug;
        if (!slug || entry.manifest->is_expired())
            return;
        Wanted& wanted = m_slugs[slug->id];
        wanted.sha256 = slug->sha256;
        wanted.releases.push_back(entry.number);
    }

    // What is live leads to a manifest and a tree, whether or not there are any to be listed.
    void check_live(std::optional<ReleaseNumber> only, bool trees) {
        const std::string current = m_app.layout.current().filename().string();
        try {
            const auto live = m_app.ledger.current();
            if (const auto lost = live || only ? std::nullopt : m_app.why_lost())
                m_result.faults.push_back({current, lost->why(), {}});
            if (live && (!only || *only == *live))
                check_live_files(*live, trees);
        } catch (const Error& error) {
            m_result.faults.push_back({current, error.why(), {}});
        }
    }

    void check_live_files(ReleaseNumber live, bool trees) {
        const sys::Path manifest = m_app.layout.manifest(live);
        if (!sys::is_there(manifest))
            m_result.faults.push_back({manifest.filename().string(), "it is gone", {live}});
        const auto tree = trees ? m_app.ledger.tree_of(live) : std::nullopt;
        if (tree && !sys::is_there(m_app.layout.tree(*tree)) && m_app.ledger.current() == live)
            m_result.faults.push_back({"tree " + tree->text(), "it is gone", {live}});
    }

    void check_slug(const SlugId& id, const Wanted& wanted) {
        m_app.host.progress.begin_phase("checking slug " + id.brief());
        try {
            m_store.check(id, wanted.sha256, m_app.host.progress);
        } catch (const Error& error) {
            if (!is_wanted(wanted))
                return; // no lock is held: somebody has pruned it meanwhile
            m_result.faults.push_back({"slug " + id.text(), error.why(), wanted.releases});
        }
        ++m_result.slugs;
    }

    // Whether some release still has its slug. Prune writes into the manifests first.
    [[nodiscard]] bool is_wanted(const Wanted& wanted) const {
        return std::any_of(wanted.releases.begin(), wanted.releases.end(),
                           [this](ReleaseNumber number) { return has_slug(number); });
    }

    [[nodiscard]] bool has_slug(ReleaseNumber number) const {
        try {
            return !m_app.ledger.load(number).is_expired();
        } catch (const Error&) {
            return true;
        }
    }

    void check_tree(const SlugId& id, const Wanted& wanted) {
        m_app.host.progress.begin_phase("checking tree " + id.brief());
        auto found = faults_in_tree(id);
        if (!sys::is_there(m_app.layout.tree(id)))
            return; // pruned meanwhile
        ++m_result.trees;
        for (std::string& fault : found)
            m_result.faults.push_back({"tree " + id.text(), std::move(fault), wanted.releases});
    }

    [[nodiscard]] std::vector<std::string> faults_in_tree(const SlugId& id) const {
        std::vector<std::string> found;
        try {
            const sys::Path tree = m_app.layout.tree(id);
            slug::VerifyOptions options;
            options.progress = m_app.host.progress;
            options.leave_out = m_app.settings_of_tree(tree).app.shared;
            if (const auto user = m_app.account(m_app.host_settings().app))
                options.group = user->gid;
            for (const slug::Difference& difference :
                 slug::verify_tree(tree, m_store.read_list(id), options))
                found.push_back(words_of(difference));
        } catch (const Error& error) {
            found.push_back(error.why());
        }
        return found;
    }

    const App& m_app;
    slug::Store m_store;
    std::map<SlugId, Wanted> m_slugs;
    Verified m_result;
};

} // namespace

Verified verify(App& app, std::optional<ReleaseNumber> release, bool trees) {
    if (release)
        (void)app.ledger.load(*release); // says so if there is no such release
    return Verification(app).run(release, trees);
}

} // namespace shipit::deploy

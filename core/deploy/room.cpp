#include "core/deploy/room.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/release_tree.hpp"
#include "core/deploy/running.hpp"

#include <cerrno>
#include <cstring>
#include <set>

#include <fmt/core.h>

namespace shipit::deploy {

namespace {

std::vector<ReleaseNumber> running(const App& app) {
    std::set<ReleaseNumber> releases;
    for (const ProcessFacts& process : processes(app))
        if (process.release)
            releases.insert(*process.release);
    return {releases.begin(), releases.end()};
}

// The tree in full, and of the slug what can be counted on: guessed too high, this would refuse
// what fits.
std::uint64_t least_need(const slug::BuildSize& size,
                         const std::optional<release::SlugFacts>& like) {
    constexpr std::uint64_t certainty = 2; // half of what is expected
    if (!like || like->unpacked == 0)
        return size.bytes;
    const double packed = static_cast<double>(like->size) / static_cast<double>(like->unpacked);
    return size.bytes +
           static_cast<std::uint64_t>(packed * static_cast<double>(size.bytes)) / certainty;
}

bool has_room(const sys::DiskSpace& space, std::uint64_t bytes, std::uint64_t files) {
    return bytes <= space.free_bytes && (space.total_files == 0 || files <= space.free_files);
}

void prune_for_room(const App& app) {
    try {
        Retention retention = retention_of(app);
        retention.keep_failed = 0; // nobody goes back to those
        const auto plan = plan_prune(app, retention);
        if (plan.is_empty())
            return;
        app.host.progress.begin_phase(fmt::format("pruning {} and {}: the disk is nearly full",
                                                  counted(plan.slugs.size(), "slug"),
                                                  counted(plan.trees.size(), "tree")));
        for (const release::Expiry& expiry : plan.expiring)
            app.host.progress.begin_phase(
                fmt::format("{} expired: {}", expiry.number.text(), expiry.why));
        (void)prune(app, plan);
    } catch (const Error& error) {
        app.host.progress.warn_of(error.why() + ", ignoring");
    }
}

} // namespace

Retention retention_of(const App& app) {
    const auto live = app.ledger.current();
    const auto slug = live ? app.ledger.tree_of(*live) : std::nullopt;
    try {
        if (const auto settings = slug ? settings_of(app, *slug) : std::nullopt)
            return settings->retention;
    } catch (const Error& error) {
        if (error.outcome() != Outcome::corrupt)
            throw;
    }
    return app.host_settings().retention;
}

release::PrunePlan plan_prune(const App& app, const Retention& retention) {
    return release::plan_prune(app.ledger, app.marks, retention, running(app));
}

release::PruneResult prune(const App& app, const release::PrunePlan& plan) {
    return release::prune(app.ledger, plan, {app.host.origin.user, app.host.origin.address},
                          app.host.progress);
}

void make_room(const App& app, const slug::BuildSize& size,
               const std::optional<release::SlugFacts>& like) {
    const sys::Path folder = app.layout.releases();
    // Packed, it is no larger than it is.
    if (has_room(sys::disk_space(folder), size.bytes * 2, size.entries))
        return;
    prune_for_room(app);
    const sys::DiskSpace space = sys::disk_space(folder);
    const std::uint64_t need = least_need(size, like);
    if (has_room(space, need, size.entries))
        return;
    const std::string what = need > space.free_bytes
                                 ? fmt::format("about {}, and '{}' has {} left", size_text(need),
                                               folder.string(), size_text(space.free_bytes))
                                 : fmt::format("{} files, and '{}' can take {} more", size.entries,
                                               folder.string(), space.free_files);
    throw Error(fmt::format("the build takes {}: {}", what, std::strerror(ENOSPC)))
        .advise(fmt::format("make room, or keep fewer releases: shipit -a {} prune --keep N",
                            app.name().text()));
}

} // namespace shipit::deploy

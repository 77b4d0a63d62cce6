// Deploy: a build becomes a slug, the slug a release, the release goes live.
#pragma once

#include "core/deploy/change.hpp"
#include "core/deploy/forward.hpp"
#include "core/release/source.hpp"
#include "core/slug/build.hpp"
#include "core/slug/limits.hpp"
#include "core/slug/pack.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace shipit::deploy {

struct DeployRequest {
    std::string build;       // a folder, an archive, or "-" for a tar stream on stdin
    std::string description; // of the release; empty: made from the source or the slug
    bool force = false;      // also what is held, or ends the processes that are live
    bool can_force = true;   // whoever asks has a way to say so
    // Goes back by itself unless it is blessed so soon after it went live.
    std::optional<std::chrono::milliseconds> trial = {};
    bool dry_run = false; // pack nothing, record nothing: tell what would be done
    // Stores and records it, and leaves what is live alone; no hold forbids that.
    bool no_activate = false;
    // Instead of `build`: gives it, under the lock, from what is stored.
    std::function<slug::Build(const slug::Limits&)> open_build = {};
    // Files of the build that whoever sent it has left out, since they are shared.
    std::vector<std::string> sent_without = {};
    // Where a build that comes as an archive is from, if the caller knows that.
    std::optional<release::Source> source = {};
    // Called before the lock is taken and anything of the build is read: may change what is in its
    // folder if it came as an archive.
    std::function<void(const App& app, const slug::Build& build)> prepare = {};
    ChangeOptions options;
};

struct Deployed {
    Changed changed;
    slug::Packed slug;
    std::string description;
    // With no_activate: the release that is stored; one that was before, if it is the same.
    std::optional<ReleaseNumber> stored = {};
    // With dry_run, and nothing else.
    std::optional<bool> would_change = {};
};

// How big an archive for this app may be, as this host's settings say.
[[nodiscard]] slug::Limits limits_of(const App& app);

// Of ten thousand releases, links are much less to read than records; who was never live has none.
enum class Among { all, who_have_links };
// Where the slug's archive is new in the store: other releases of it may be recorded with the one
// that was there before, which had another SHA-256, and are with this one now. Under the app's
// lock. Throws Error.
void record_archive(const App& app, const release::SlugFacts& slug, Among among);

// Throws Error; see Changed for the outcomes of the change itself.
[[nodiscard]] Deployed deploy(App& app, const DeployRequest& request);

} // namespace shipit::deploy

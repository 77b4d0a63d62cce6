// Import: a slug that another host exported becomes a release here, which is not live.
#pragma once

#include "core/deploy/app.hpp"
#include "core/release/manifest.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace shipit::deploy {

struct ImportRequest {
    std::string file;                       // or "-" for standard input
    std::string description = {};           // empty: made from the slug
    std::optional<std::string> sha256 = {}; // that the file must have
    std::chrono::milliseconds lock_patience{0};
};

struct Imported {
    ReleaseNumber release;
    std::string description;
    release::SlugFacts slug;
    bool stored_already = false;
};

// As hostile as an archive: the whole slug is checked against its list, and the list against the
// host's limits, before anything of it has a name. The release has this host's config vars of now;
// `activate` takes it live. On the disk when this returns. Throws Error: (corrupt) for what is no
// whole slug; beyond a limit; a link that leads out of the build; settings that are wrong here. The
// store is as it was then.
[[nodiscard]] Imported import_slug(App& app, const ImportRequest& request);

} // namespace shipit::deploy

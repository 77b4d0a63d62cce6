// What a pusher remembers of one app on one host, in its user's cache folder: the last slugs, from
// which what did not change is taken, and the token of a push whose end is not known.
#pragma once

#include "core/base/ids.hpp"
#include "core/base/progress.hpp"
#include "core/push/messages.hpp"
#include "core/slug/store.hpp"
#include "core/sys/lock.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace shipit::push {

using sys::Path;

// ${XDG_CACHE_HOME:-~/.cache}/shipit/push/HOST:APP
[[nodiscard]] Path cache_folder(const std::string& host, const AppName& app);

class Cache {
  public:
    // Makes the folder, and has it for itself: throws Error (locked) if another push has it, and
    // has it still after so long; Interrupted. `progress` is told if it has to wait.
    Cache(const Path& folder, const sys::LockHolder& self, std::chrono::milliseconds patience = {},
          const Progress& progress = {});

    [[nodiscard]] const slug::Store& slugs() const { return m_slugs; }
    [[nodiscard]] Path stat_cache() const { return m_folder / "stat-cache"; }
    // The newest one first.
    [[nodiscard]] std::vector<SlugId> newest() const;
    // All go but this one, which the host has.
    void keep_only(const SlugId& id) const;
    // All go but the newest few.
    void trim() const;
    // All that a build is packed from but the build itself: nothing of it is relied on any more.
    void clear() const;

    // The token of this push: an earlier one's, if that was the same and its end is not known.
    [[nodiscard]] std::string token(const SlugId& slug, const Options& options) const;
    // The end is known.
    void forget_token() const;

  private:
    [[nodiscard]] Path pending() const { return m_folder / "pending"; }

    Path m_folder;
    slug::Store m_slugs;
    sys::Lock m_lock;
};

} // namespace shipit::push

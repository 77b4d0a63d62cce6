// Where everything of an app is on disk. Every file name is made here and read here, nowhere else.
//
//   ROOT/APP/app.toml  config.toml  current  events.jsonl  lock  stat-cache  .in-order
//            shared/  log/  marks/  trees/ID/  push/ (core/push/README.md)
//            releases/v12.toml  v12.log  v12.evidence  v12 -> ../trees/ID  ID.tar.zst  .last
//   ROOT/.port-lock
//
// The lock stands beside the data, not in the run folder: commands from cron and from ssh see
// different run folders, and must meet at one lock.
#pragma once

#include "core/base/ids.hpp"
#include "core/sys/file.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shipit::release {

using sys::Path;

// Root's, by default.
constexpr const char* system_root = "/var/lib/shipit";

// SHIPIT_ROOT, else /var/lib/shipit for root and ${XDG_DATA_HOME:-~/.local/share}/shipit for
// anyone else. Relative values of XDG_DATA_HOME are ignored, as its specification demands.
[[nodiscard]] Path default_root();

// Where apps are unless somebody says otherwise: root's, and those of whoever runs this, and of
// `user`, by whom it is run through sudo. Some may be the same, or not there.
[[nodiscard]] std::vector<Path> usual_roots(const std::string& user);

struct Layout {
    Path root; // absolute
    AppName app;

    [[nodiscard]] Path folder() const { return root / app.text(); }
    [[nodiscard]] Path trash() const { // what an app becomes first when it is destroyed
        return root / (".trash-" + app.text());
    }
    [[nodiscard]] Path app_toml() const { return folder() / "app.toml"; }
    [[nodiscard]] Path config_toml() const { return folder() / "config.toml"; }
    [[nodiscard]] Path current() const { return folder() / "current"; }
    [[nodiscard]] Path shared() const { return folder() / "shared"; }
    [[nodiscard]] Path log() const { return folder() / "log"; }
    [[nodiscard]] Path marks() const { return folder() / "marks"; }
    [[nodiscard]] Path stopped() const {
        return marks() / "stopped";
    } // `shipit stop` was the last word
    [[nodiscard]] Path events() const { return folder() / "events.jsonl"; }
    [[nodiscard]] Path lock() const { return folder() / "lock"; }
    [[nodiscard]] Path order_note() const { return folder() / ".in-order"; } // order_note.hpp
    [[nodiscard]] Path repository() const { return folder() / "repo.git"; }  // `shipit git-init`
    [[nodiscard]] Path stat_cache() const { return folder() / "stat-cache"; }

    [[nodiscard]] Path releases() const { return folder() / "releases"; }
    [[nodiscard]] Path manifest(ReleaseNumber number) const;     // releases/v12.toml
    [[nodiscard]] Path transcript(ReleaseNumber number) const;   // releases/v12.log
    [[nodiscard]] Path evidence(ReleaseNumber number) const;     // releases/v12.evidence
    [[nodiscard]] Path release_link(ReleaseNumber number) const; // releases/v12
    [[nodiscard]] Path slug(const SlugId& id) const;             // releases/ID.tar.zst
    [[nodiscard]] Path last_number() const { return releases() / ".last"; }

    [[nodiscard]] Path trees() const { return folder() / "trees"; }
    [[nodiscard]] Path tree(const SlugId& id) const { return trees() / id.text(); }

    // What room slug writes beside a tree that is whole.
    [[nodiscard]] Path tree_stamp(const SlugId& id) const {
        return trees() / (id.text() + ".stamp");
    }

    // The app's own Unix socket, where the settings ask for one: "run/web.sock".
    [[nodiscard]] Path socket(const std::string& relative) const { return folder() / relative; }

    // Socket, FIFOs, the supervisor's state: /run/shipit/APP for root and
    // $XDG_RUNTIME_DIR/shipit/APP (or /run/user/UID, where cron has no such variable) for a user
    // who lingers, both under the default root only; ROOT/APP/run for any other root, and for users
    // whose runtime folder goes when they log out, which their apps do not. Where a supervisor's
    // lock is, that folder is used again: two of them would know nothing of each other; also by
    // root, asked for a user's usual root.
    [[nodiscard]] Path run_folder() const;
};

// Held by whoever chooses a port for an app of this root; no app's name begins with a dot.
[[nodiscard]] inline Path port_lock(const Path& root) {
    return root / ".port-lock";
}

// The names' reverse: nothing for any other name. Numbers beyond 10^15 are junk: nobody deploys
// that often, and TOML's integers end soon behind.
[[nodiscard]] std::optional<ReleaseNumber> manifest_number(std::string_view name);   // "v12.toml"
[[nodiscard]] std::optional<ReleaseNumber> transcript_number(std::string_view name); // "v12.log"
[[nodiscard]] std::optional<ReleaseNumber> link_number(std::string_view name);       // "v12"
[[nodiscard]] std::optional<SlugId> slug_in(std::string_view name);                  // "ID.tar.zst"
[[nodiscard]] std::optional<SlugId> tree_in(std::string_view name); // "ID" and "ID.stamp"

// Targets of links: what they are made of and how they are read back.
[[nodiscard]] std::string current_target(ReleaseNumber number); // "releases/v12"
[[nodiscard]] std::optional<ReleaseNumber> current_number(std::string_view target);
[[nodiscard]] std::string release_target(const SlugId& id); // "../trees/ID"
[[nodiscard]] std::optional<SlugId> release_tree(std::string_view target);

// Whether a name in one of the app's folders is that of something unfinished, which may be removed
// under the lock: ".new-…" (sys/file, slugs, trees), ".build-…" (builds that came as archives),
// and ".trash-…" (what is being removed).
[[nodiscard]] bool is_leftover(std::string_view name);

// Makes an app's folders, durably: 0755, but marks/ and log/ 0750 and releases/ 0711, since
// manifests and slugs are nobody's business and the app must pass through its release's link.
void make_app_folders(const Layout& layout);

// Whether there is an app by that name: it has a folder for releases.
[[nodiscard]] bool is_app(const Layout& layout);
// Apps under `root`, by name; none if there is no such folder.
[[nodiscard]] std::vector<AppName> apps_in(const Path& root);

} // namespace shipit::release

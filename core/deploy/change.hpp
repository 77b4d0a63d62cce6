// The one path that every change takes: deploy, rollback, config change and restart.
//
//   prepare · lock · pack · record · unpack · release command · start · health · switch · watch ·
//   retire
//
// A step that fails leaves what was live untouched, or starts it again where it had to be stopped
// first; the release is recorded as failed, with the reason. From "record" on, a lost terminal does
// not stop it (SIGHUP and SIGPIPE are the caller's to ignore).
#pragma once

#include "core/base/error.hpp"
#include "core/deploy/app.hpp"
#include "core/release/manifest.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace shipit::deploy {

// Whether to stay until the watch window has passed.
enum class Patience { until_good, until_live };

struct ChangeOptions {
    std::chrono::milliseconds lock_patience{0}; // how long to wait for another command
    Patience patience = Patience::until_good;
};

// What is to be live. Made under the lock, from facts that nobody changes meanwhile.
struct Plan {
    release::Manifest manifest; // without number; its slug must be in the store
    // Restart: no new release, `manifest` is the live one's.
    bool is_recorded = true;
    // A release that was good before proves itself with one pass of its health check.
    bool was_good = false;
    // The slug was packed by this command just now: its SHA-256 needs no second look.
    bool is_fresh = false;
    // Packs the slug once more, taking nothing from earlier ones, where it turns out to be damaged.
    std::function<release::SlugFacts()> repack = {};
    // After the switch (aftermath.hpp): today's config vars become the release's; what was live is
    // marked bad and its slug held, for this reason.
    bool sets_config = false;
    bool condemns = false;
    std::string verdict = {}; // empty: it was rolled back from
    // Its slug was held, and goes live by force: from then on it is held no more.
    bool lifts_hold = false;
    // What it does to the app's data cannot be undone (barrier.hpp), for this reason.
    std::string irreversible = {};
    // Of the live release, only what its counts of processes say is started or stopped.
    bool scales = false;
    // Else it is only recorded, with its slug: `activate` takes it live.
    bool goes_live = true;
    // Where it fails, under the lock: takes back what the plan changed. May throw.
    std::function<void()> undo = {};
};

// What a change came to. Failures are thrown: Error with outcome release_failed (what was live
// still is), down (nothing serves), locked, held, corrupt, ….
struct Changed {
    std::optional<ReleaseNumber> release;  // live now, or stored; nothing if nothing was changed
    std::optional<ReleaseNumber> previous; // live before
    bool is_good = false;                  // the watch window has passed
    std::optional<ReleaseNumber> successor = {}; // that took its place within that, going forward
    std::string watch_failure;         // why it failed within the window; empty if it did not
    bool was_good = false;             // then, as somebody had said, and so it stays
    std::chrono::milliseconds took{0}; // from the lock to the switch
    std::string way_back = {};         // "rollback v3": what undoes it; empty: nothing does
};

struct Change {
    std::string what;    // "deploy", "rollback", … for the lock and the audit log
    std::string attempt; // "deploying 'blog'", for errors
    // What may take long, and needs nothing that others change: before the lock is taken. Gives how
    // long the lock is to be waited for at least, for the sake of what it has done.
    std::function<std::chrono::milliseconds(App&)> prepare = {};
    // Nothing: there is nothing to change.
    std::function<std::optional<Plan>(App&)> plan;
    // Where it fails within its watch window, and is no rollback, nor was good before: what to do
    // about it, with the lock free. Throws. Without it, the failure is told in the result.
    std::function<void(const Changed&)> on_failed_watch = {};
};

// The release's transcript is being written until this ends, and its last line is how it did.
[[nodiscard]] Changed carry_out(App& app, const Change& change, const ChangeOptions& options);

// For changes that bring something new, or start anew what has not proven itself yet: carry_out,
// and an automatic rollback if it fails within its watch window. Throws Error (rolled_back), or
// (down) if there is nothing good to go back to, or going back fails.
[[nodiscard]] Changed carry_out_or_go_back(App& app, Change change, const ChangeOptions& options);

} // namespace shipit::deploy

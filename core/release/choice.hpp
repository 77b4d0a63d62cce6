// Which release to go back to, and which expire: pure decisions over facts, so that every rule can
// be tested as a table. Who gathers the facts is the ledger; who acts is deploy.
//
// Good: the release went live, stayed well through its watch (the good mark), and nobody marked it
// bad since. Only good releases count for retention, and `rollback` prefers them: without a version
// it goes to the newest good release before where the app stands now. Where it stands: a release
// that is itself "Rollback to v1" stands at v1, so that `rollback` again looks before v1 and never
// comes back to what was just left.
//
// `--undo` goes the way of the rollbacks back again: to what was live before the newest rollback
// that has not been undone, which a deploy since then settles.
//
// If no release before is good, the newest one that succeeded and was live is taken, with a note:
// in a young history nothing has had the time to become good, and something that ran is better
// than what does not. One marked bad is never chosen, nor one whose build is held, whichever
// release of it was the bad one (config vars alone bring no build back). One that was never live is
// not either: to take that live is a step forward (`activate`).
//
// One that is files only ends the processes that are live for good: it is taken only where there is
// nothing else, with a note.
#pragma once

#include "core/base/ids.hpp"
#include "core/base/retention.hpp"
#include "core/base/text.hpp"
#include "core/release/manifest.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace shipit::release {

// What decisions need to know of a release.
struct Fact {
    ReleaseNumber number;
    Status status = Status::succeeded; // interrupted ones are failed
    bool good = false;                 // has the good mark
    bool bad = false;
    bool pinned = false;
    bool is_barrier = false; // what it did to the app's data cannot be undone
    bool was_live = false;
    bool is_files_only = false;      // has no process types
    std::optional<SlugId> slug = {}; // nothing: config vars only, or failed and pruned
    bool slug_there = false;
    std::uint64_t slug_size = 0;
    std::optional<ReleaseNumber> rollback_of = {};
    std::optional<ReleaseNumber> config_of = {}; // brought back that one's config vars only
    bool is_undo = false;                        // of a rollback
    WallTime created_at = {};
    // Equal for releases that run the same files with the same config vars; 0 is equal to nothing.
    std::uint64_t content = 0;
    std::uint64_t config = 0; // likewise, of the config vars alone
    std::string why = {};     // it failed or is bad, in words for people
    bool readable = true;     // its manifest
    bool is_read = true;      // else no more is known than that it cannot come back
    // Why its build is held; nothing if it is not.
    std::optional<std::string> held = {};

    [[nodiscard]] bool is_good() const { return good && !bad; }
    // By `deploy --no-activate`, or an import.
    [[nodiscard]] bool is_stored() const {
        return readable && is_read && status == Status::succeeded && !was_live;
    }
};

// Facts are sorted by number everywhere here.
using Facts = std::span<const Fact>;

// What a rollback brings back.
enum class Restores { all, code, config };

struct Skipped {
    ReleaseNumber number;
    std::string why; // "is marked bad: …"

    bool operator==(const Skipped&) const = default;
};

struct Choice {
    std::optional<ReleaseNumber> target;
    std::optional<ReleaseNumber> from; // where the app stands
    std::vector<Skipped> skipped; // newest first: what lies between where the app stands and target
    std::string note; // why a target was taken that may not be good, or why there is none to undo
    bool is_settled = false; // more of the history would not change it
};

// For `rollback` without a version. `facts` may be the newest part of a history: look again with
// more of it unless the choice is settled.
[[nodiscard]] Choice rollback_target(Facts facts, std::optional<ReleaseNumber> live,
                                     Restores what = Restores::all);

// For `rollback --undo`; likewise.
[[nodiscard]] Choice undo_target(Facts facts, ReleaseNumber live);

// Where the app stands when `number` is live: the release that it brought back, at the end of a
// chain of rollbacks.
[[nodiscard]] ReleaseNumber standing_at(Facts facts, ReleaseNumber number);

struct Eligibility {
    bool possible = false;  // it can be taken live at all
    bool advisable = false; // and nothing speaks against it
    std::string why;        // the reason, either way: "its slug was pruned"
};

// Whether release `number` can be rolled back to. `possible` is Heroku's "Eligible for Rollback?".
// Of releases after it, facts need say no more than whether they are barriers.
[[nodiscard]] Eligibility eligibility(Facts facts, ReleaseNumber number,
                                      std::optional<ReleaseNumber> live,
                                      Restores what = Restores::all);

// --- What expires ---
//
// Good releases count against `keep`; all others (failed, bad, never proven) against a quota of
// their own, so that a week of failing deploys pushes nothing out that works. `older_than` and
// `max_size` take more, whatever `keep` says. Never taken: what is live, warm, pinned, the last
// good release, what `rollback` and `rollback --undo` would go to, what is being deployed, and the
// newest of those that wait.
//
// One that was stored waits for its chance until it, or a build that came after it, has gone live.
// As many of these as of good ones are kept, and where slugs take too much, they go in one line
// with the good ones, the oldest first; one whose chance has passed counts with what is not good.
//
// Order is by number. Clocks jump: a release counts as at least as young as every one before it, so
// that a clock set back makes nothing old, and one that was ahead keeps releases longer, not
// shorter.

struct Expiry {
    ReleaseNumber number;
    std::string why; // "beyond the 10 good releases that are kept"

    bool operator==(const Expiry&) const = default;
};

struct Running {
    std::optional<ReleaseNumber> live;
    std::vector<ReleaseNumber> warm; // and any other whose processes still run
};

// What expires, oldest first. Of `older_than` the release that was live back then is spared.
[[nodiscard]] std::vector<Expiry> expiring(Facts facts, const Retention& retention,
                                           const Running& running, WallTime now);

} // namespace shipit::release

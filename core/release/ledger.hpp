// The numbered releases of one app: its manifests, and the link that says which one is live.
//
// Reading needs no lock: every file is whole at every instant. What changes something must be
// called under the app's lock (sys::Lock on Layout::lock()).
#pragma once

#include "core/release/choice.hpp"
#include "core/release/layout.hpp"
#include "core/release/manifest.hpp"
#include "core/release/marks.hpp"

#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace shipit::release {

// A line of a listing; a manifest that cannot be read is told of, not passed over.
struct Entry {
    ReleaseNumber number;
    std::optional<Manifest> manifest;
    std::string complaint; // if there is no manifest
};

class Surroundings; // facts.cpp's

class Ledger {
  public:
    static constexpr std::size_t all = std::numeric_limits<std::size_t>::max();

    explicit Ledger(Layout layout) : m_layout(std::move(layout)) {}
    [[nodiscard]] const Layout& layout() const { return m_layout; }

    // --- Reading ---

    // Of all manifests, sorted; from file names alone.
    [[nodiscard]] std::vector<ReleaseNumber> numbers() const;
    // A release whose deployer is gone before `current` pointed at it is given as failed
    // ("interrupted …"), whether or not tidy() has come by. Throws Error: (failed) "there is no
    // release v12 of 'blog'", (corrupt) for what is no manifest of that release, and
    // where that of what is live is gone.
    [[nodiscard]] Manifest load(ReleaseNumber number) const;
    // Throws Error (failed), which names the nearest one, unless there is such a release.
    void check_is_there(ReleaseNumber number) const;
    // The newest ones, newest first; only these are parsed.
    [[nodiscard]] std::vector<Entry> newest(std::size_t limit) const;
    // For choice.hpp, of the newest ones, sorted by number.
    [[nodiscard]] std::vector<Fact> facts(const Marks& marks, std::size_t limit = all) const;
    // The same of all that newest() gave.
    [[nodiscard]] std::vector<Fact> facts(const Marks& marks,
                                          const std::vector<Entry>& entries) const;
    // For rollback_target alone, of the newest ones or of a single one: of releases that cannot
    // come back no more than it takes to pass them over.
    [[nodiscard]] std::vector<Fact> facts_for_rollback(const Marks& marks, Restores what,
                                                       std::size_t limit) const;
    [[nodiscard]] Fact fact_for_rollback(ReleaseNumber number, const Surroundings& around,
                                         Restores what) const;

    // Of one release: whether it can be rolled back to.
    [[nodiscard]] Eligibility eligibility(const Marks& marks, ReleaseNumber number,
                                          Restores what = Restores::all) const;

    // What `current` points at; nothing before the first release went live. Throws Error (corrupt)
    // that says what to do if `current` is anything else than shipit's link.
    [[nodiscard]] std::optional<ReleaseNumber> current() const;
    // The newest release that was live, where `current` is gone: nothing but a person's hand takes
    // it away. Nothing if it is there, and before the first release went live.
    [[nodiscard]] std::optional<ReleaseNumber> live_before_loss() const;
    // The slug whose tree the release's link points at; nothing if it has none.
    [[nodiscard]] std::optional<SlugId> tree_of(ReleaseNumber number) const;

    // --- Changing ---

    // After tidy(): takes the next number and records `draft` under it as pending, with this
    // process as its deployer and with `created_at` now; gives what was recorded. The number is
    // above every one that was ever taken, also those of releases whose files are gone. Throws
    // Error (usage), taking no number, for a release that is too large to be recorded.
    Manifest begin(Manifest draft) const;
    // Replaces the manifest durably. One that is not pending keeps no deployer.
    void save(Manifest manifest) const;
    // The same just before `current` points at the release, with status succeeded: its deployer is
    // kept, as what has still to be done, until save() says that nothing has.
    void save_before_switch(const Manifest& manifest) const;

    // Makes `number`, whose files are trees/ID of `slug`, what `current` points at. Durable; one
    // rename decides. If that rename cannot be made durable, the old link is put back, and the
    // Error says what `current` points at now.
    void point_at(ReleaseNumber number, const SlugId& slug) const;

    // Finishes what commands that died have left: interrupted releases become failed, temporary
    // files and folders go, and the high-water mark is no lower than any name. Gives what was done,
    // in words; what cannot be removed is told of, too. Where the app is said to be in order
    // (order_note.hpp), no folder is read that grows with the number of releases.
    std::vector<std::string> tidy(bool is_in_order = false) const;

  private:
    [[nodiscard]] std::string text_of(ReleaseNumber number) const;
    [[noreturn]] void refuse_absent(ReleaseNumber number) const;
    [[noreturn]] void refuse_lost(ReleaseNumber number) const;
    [[nodiscard]] std::string another_live() const; // as advice
    [[nodiscard]] Manifest parsed(ReleaseNumber number, const std::string& text) const;
    [[nodiscard]] Manifest read(ReleaseNumber number) const; // as it is written
    [[nodiscard]] Manifest as_it_stands(Manifest manifest) const;
    [[nodiscard]] bool is_undecided(const Manifest& manifest) const;
    [[nodiscard]] Entry entry_of(ReleaseNumber number) const;
    [[nodiscard]] std::vector<ReleaseNumber> newest_numbers(std::size_t limit) const;
    [[nodiscard]] std::optional<ReleaseNumber> last_taken() const;    // the high-water mark
    [[nodiscard]] std::optional<ReleaseNumber> highest_named() const; // reads the folder
    [[nodiscard]] bool is_named(ReleaseNumber number) const;
    [[nodiscard]] ReleaseNumber next_number() const;
    void raise_high_water_mark() const;
    void write_high_water_mark(ReleaseNumber number) const;
    [[nodiscard]] bool finish_if_interrupted(ReleaseNumber number) const;
    void end_if_not_live(Manifest manifest) const;

    Layout m_layout;
};

// rollback_target and undo_target over as much of the history as they take. Of what is passed over
// so many, the newest, are told with their reasons; of thousands it takes time to find them all.
[[nodiscard]] Choice choose_rollback(const Ledger& ledger, const Marks& marks,
                                     Restores what = Restores::all,
                                     std::size_t reasons = Ledger::all);
[[nodiscard]] Choice choose_undo(const Ledger& ledger, const Marks& marks, ReleaseNumber live);

} // namespace shipit::release

// Ledger::tidy(): what commands that died have left.
#include "core/base/error.hpp"
#include "core/release/ledger.hpp"
#include "core/sys/batch.hpp"
#include "core/sys/clock.hpp"

#include <fmt/core.h>

namespace shipit::release {

namespace {

// Only the newest release can be pending, since the next command that takes a number tidies first;
// a few more are looked at for the sake of damaged histories.
constexpr std::size_t depth = 16;

class Tidying {
  public:
    void tell(const std::string& what) { m_done.push_back(what); }

    void remove_leftovers(const Path& folder) {
        if (!sys::is_there(folder))
            return;
        std::vector<std::string> leftovers; // first found, then removed: the folder is being read
        sys::for_each_name_in(folder, [&leftovers](std::string_view name) {
            if (is_leftover(name))
                leftovers.emplace_back(name);
        });
        for (const std::string& name : leftovers)
            remove(folder / name);
    }

    [[nodiscard]] std::vector<std::string> done() && { return std::move(m_done); }

  private:
    void remove(const Path& path) {
        try {
            if (sys::remove_if_abandoned(path))
                tell(fmt::format("removed '{}', left by an interrupted command",
                                 printable(path.string())));
        } catch (const Error& error) {
            tell(fmt::format("{}, ignoring", error.why()));
        }
    }

    std::vector<std::string> m_done;
};

} // namespace

// A switch that was interrupted has left no note of when the release before ended.
void Ledger::end_if_not_live(Manifest manifest) const {
    if (!manifest.evidence.live_at || manifest.evidence.ended_at || current() == manifest.number)
        return;
    manifest.evidence.ended_at = sys::now();
    save(std::move(manifest));
}

bool Ledger::finish_if_interrupted(ReleaseNumber number) const {
    try {
        Manifest manifest = read(number);
        if (!is_undecided(manifest)) {
            end_if_not_live(std::move(manifest));
            return false;
        }
        manifest = load(number);
        if (manifest.status != Status::failed)
            return false;
        manifest.evidence.ended_at = sys::now();
        save(std::move(manifest));
        return true;
    } catch (const Error&) {
        return false; // what cannot be read or written, listings and commands tell of
    }
}

std::vector<std::string> Ledger::tidy(bool is_in_order) const {
    Tidying tidying;
    for (const ReleaseNumber number : newest_numbers(depth))
        if (finish_if_interrupted(number))
            tidying.tell(fmt::format("{} was interrupted: recorded as failed", number.text()));
    tidying.remove_leftovers(m_layout.folder()); // also of who died before he had the lock
    if (is_in_order)
        return std::move(tidying).done();
    raise_high_water_mark();
    tidying.remove_leftovers(m_layout.releases());
    tidying.remove_leftovers(m_layout.trees());
    tidying.remove_leftovers(m_layout.marks());
    for (const MarkKind kind : mark_kinds)
        tidying.remove_leftovers(m_layout.marks() / name_of(kind));
    tidying.remove_leftovers(m_layout.marks() / "hold");
    return std::move(tidying).done();
}

} // namespace shipit::release

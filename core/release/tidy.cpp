// Ledger::tidy(): what commands that died have left.
#include "core/base/error.hpp"
#include "core/release/ledger.hpp"
#include "core/sys/clock.hpp"

#include <fmt/core.h>

namespace shipit::release {

namespace {

// Only the newest release can be pending, since the next command that takes a number tidies first;
// a few more are looked at for the sake of damaged histories.
constexpr std::size_t depth = 16;

class Tidying {
  public:
    explicit Tidying(const Ledger& ledger) : m_ledger(ledger) {}

    std::vector<std::string> run() {
        const Layout& layout = m_ledger.layout();
        for (const Entry& entry : m_ledger.newest(depth))
            if (entry.manifest && entry.manifest->status == Status::failed &&
                entry.manifest->deployer)
                finish(*entry.manifest);
        remove_leftovers(layout.folder());
        remove_leftovers(layout.releases());
        remove_leftovers(layout.trees());
        for (const char* kind : {"good", "bad", "pin", "hold"})
            remove_leftovers(layout.marks() / kind);
        return std::move(m_done);
    }

  private:
    void finish(Manifest manifest) {
        manifest.evidence.ended_at = sys::now();
        m_done.push_back(fmt::format("{} was interrupted: recorded as failed",
                                     manifest.number.text()));
        m_ledger.save(std::move(manifest));
    }

    void remove_leftovers(const Path& folder) {
        if (!sys::is_there(folder))
            return;
        for (const std::string& name : sys::names_in(folder))
            if (is_leftover(name))
                remove(folder / name);
    }

    void remove(const Path& path) {
        try {
            sys::remove_tree(path);
            m_done.push_back(fmt::format("removed '{}', left by an interrupted command",
                                         printable(path.string())));
        } catch (const Error& error) {
            m_done.push_back(fmt::format("{}, ignoring", error.why()));
        }
    }

    const Ledger& m_ledger;
    std::vector<std::string> m_done;
};

} // namespace

std::vector<std::string> Ledger::tidy() const { return Tidying(*this).run(); }

} // namespace shipit::release

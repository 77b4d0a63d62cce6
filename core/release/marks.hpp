// Marks on releases and slugs that no rollback takes back: good, bad, pins, barriers and holds.
//
//   marks/good/v12  marks/bad/v12  marks/pin/v12  marks/barrier/v12  marks/hold/SLUG
//   marks/hold/app
//
// A mark is a file, and that the file is there is the mark: who, when and why stand in it (TOML),
// but a file that cannot be read still counts. Each is on disk when the function that makes it
// returns, and gone when the one that clears it does.
#pragma once

#include "core/base/text.hpp"
#include "core/release/layout.hpp"

#include <array>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace shipit::release {

struct Mark {
    std::string who;
    WallTime at = {};
    std::string why = {}; // of a pin: its name

    bool operator==(const Mark&) const = default;
};

// A barrier: what this release did to the app's data cannot be undone. Releases before it have
// never run on the data that it left.
enum class MarkKind { good, bad, pin, barrier };
inline constexpr std::array mark_kinds = {MarkKind::good, MarkKind::bad, MarkKind::pin,
                                          MarkKind::barrier};
// "good", …: the name of its folder.
[[nodiscard]] const char* name_of(MarkKind kind);

class Marks {
  public:
    explicit Marks(Layout layout) : m_layout(std::move(layout)) {}

    // --- Releases ---

    // Replaces a mark of that kind. A release marked good is bad no longer, and the reverse.
    void set(MarkKind kind, ReleaseNumber number, const Mark& mark) const;
    // False if there was none.
    bool clear(MarkKind kind, ReleaseNumber number) const;
    [[nodiscard]] bool has(MarkKind kind, ReleaseNumber number) const;
    [[nodiscard]] std::optional<Mark> get(MarkKind kind, ReleaseNumber number) const;
    // All releases so marked; reads one folder and no file.
    [[nodiscard]] std::set<ReleaseNumber> all(MarkKind kind) const;
    // The barriers between `target` and today, lowest first: what speaks against going back to it.
    [[nodiscard]] std::vector<ReleaseNumber> barriers_after(ReleaseNumber target) const;
    // The release whose pin has that name.
    [[nodiscard]] std::optional<ReleaseNumber> pinned_as(std::string_view name) const;
    [[nodiscard]] std::vector<std::string> pin_names() const;

    // --- Holds: slugs, or everything of the app, that deploys must refuse ---

    void hold(const SlugId& slug, const Mark& mark) const;
    void hold_app(const Mark& mark) const;
    [[nodiscard]] std::optional<Mark> hold_on(const SlugId& slug) const;
    [[nodiscard]] std::optional<Mark> hold_on_app() const;
    [[nodiscard]] std::vector<SlugId> held_slugs() const;
    bool clear_hold(const SlugId& slug) const;
    bool clear_hold_on_app() const;

  private:
    [[nodiscard]] Path folder(MarkKind kind) const;
    [[nodiscard]] Path file(MarkKind kind, ReleaseNumber number) const;
    [[nodiscard]] Path holds() const { return m_layout.marks() / "hold"; }

    Layout m_layout;
};

} // namespace shipit::release

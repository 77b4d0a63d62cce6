// The tree of a release on this host: unpacked when it is missing, checked before it goes live.
#pragma once

#include "core/deploy/app.hpp"
#include "core/deploy/shared.hpp"
#include "core/release/manifest.hpp"
#include "core/slug/build.hpp"
#include "core/slug/tree_check.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace shipit::deploy {

// Whether the slug was packed by this command just now: its SHA-256 needs no second look.
enum class Slug { from_store, packed_just_now };

// Makes the tree if it is not there, and brings back what was changed in it. Under the app's lock.
// Not on the disk yet when this returns: see flush_release_tree. Throws Error (corrupt) for a
// damaged slug.
[[nodiscard]] sys::Path unpacked_tree(const App& app, const release::SlugFacts& slug, Slug origin);

// What that would bring back, one path each, if the tree is there for whatever group: only looked
// at. Nothing if it would be made anew. Throws Error (corrupt) for a damaged slug.
[[nodiscard]] std::optional<std::vector<std::string>> changed_in_tree(const App& app,
                                                                      const SlugId& slug);

// What was written into a tree, if it and its slug are there; only looked at, for so long at most.
// Throws Error (corrupt) for a damaged slug.
[[nodiscard]] slug::Written written_in_tree(const App& app, const SlugId& slug,
                                            std::chrono::milliseconds at_most);

// For people: "'a', 'b', 'c' and 7 more", or "at least 7 more".
[[nodiscard]] std::string first_few(const std::vector<std::string>& paths, bool are_all);

// Warns of what stays behind in the tree of `left` now that another one is live. Never throws, and
// gives up after a second.
void tell_left_behind(const App& app, const release::Manifest& left) noexcept;

// Before a slug is made of the build, with what is shared left out. `sent_without`: what was a file
// there, and has been left out of the build already. Throws Error (usage) for what is a file, and
// would become an empty folder.
void refuse_shared_files_of(const App& app, const config::Settings& settings,
                            const slug::Build& build, const std::vector<std::string>& sent_without);

// Links what `settings` have as shared into the tree of a slug, and warns of what of it the app's
// user may not write to. Under the app's lock. Throws as link_shared() of shared.hpp.
void link_shared_of(const App& app, const SlugId& slug, const config::Settings& settings);

// The same by the tree's own settings, for who goes on without what is refused: with a warning.
void link_shared_or_warn(const App& app, const SlugId& slug);

// A tree that is not there, from the store: unpacked, what is shared linked as above, on the disk.
// Whoever makes one makes it so, since all that comes later takes it for complete. Under the app's
// lock. Throws as unpacked_tree.
[[nodiscard]] sys::Path complete_tree(const App& app, const release::SlugFacts& slug);

// For people: why it is, and the command that mends it.
[[nodiscard]] std::string why_closed(const App& app, const sys::Account& account,
                                     const Closed& closed);
[[nodiscard]] std::string how_to_open(const App& app, const sys::Account& account,
                                      const Closed& closed);

// Puts it on the disk, after the switch, when nobody waits for it. A failure is a warning: the tree
// is made again after the next power cut.
void flush_release_tree(const App& app, const SlugId& slug);

// Whether the tree is there and whole as far as its stamp tells: not if the power went before it
// was on the disk.
[[nodiscard]] bool has_tree(const App& app, const SlugId& slug);

// The settings of a stored build under this host's: its tree has them, or its slug. Nothing if both
// are gone. Throws Error for settings that are none, and for a damaged slug.
[[nodiscard]] std::optional<config::Settings> settings_of(const App& app, const SlugId& slug);

// Makes the live release's tree if a power cut took it. Into one that is there, and in which
// nothing runs, it links what of the shared folders it lacks. Under the app's lock.
void ensure_live_tree(const App& app);
// For whoever has no lock: makes the tree, and takes the lock only if it is to be made.
void ensure_live_tree_alone(const App& app);

} // namespace shipit::deploy

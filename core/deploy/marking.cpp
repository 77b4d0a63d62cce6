#include "core/deploy/marking.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/aftermath.hpp"
#include "core/sys/clock.hpp"

#include <fmt/core.h>

namespace shipit::deploy {

using release::MarkKind;

namespace {

void check_pin_name(const App& app, ReleaseNumber release, const std::string& name) {
    if (name.empty())
        return;
    if (!AppName::is_valid(name) || ReleaseNumber::parse(name))
        throw Error(fmt::format("'{}' is not a name for a pin", printable(name)), Outcome::usage)
            .advise("use 1 to 63 of a-z, 0-9, '-' and '_', and nothing that is a release, like v3");
    if (const auto other = app.marks.pinned_as(name); other && other != release)
        throw Error(fmt::format("{} is pinned as '{}' already", other->text(), name),
                    Outcome::usage)
            .advise(fmt::format("shipit -a {} unpin {}", app.name().text(), name));
}

// Whether there is something of it to keep. One that has expired stays so: a slug of the same
// content that was packed again since is that of other releases.
bool is_kept(const App& app, const release::Manifest& manifest) {
    return manifest.slug && !manifest.is_expired() &&
           sys::is_there(app.layout.slug(manifest.slug->id));
}

Error refusal_to_pin(const App& app, const release::Manifest& manifest) {
    Error error(fmt::format("{} cannot be kept: it has no slug any more", manifest.number.text()));
    for (const release::Entry& entry : app.ledger.newest(release::Ledger::all))
        if (manifest.slug && entry.manifest && entry.manifest->slug &&
            entry.manifest->slug->id == manifest.slug->id && is_kept(app, *entry.manifest)) {
            error.advise(fmt::format("{0} is the same build, and has its slug: shipit -a {1} pin "
                                     "{0}",
                                     entry.number.text(), app.name().text()));
            break;
        }
    return error;
}

} // namespace

void mark_bad(const App& app, ReleaseNumber release, const std::string& why,
              std::chrono::milliseconds lock_patience) {
    const auto lock = lock_and_tidy(app, "mark-bad", lock_patience);
    const auto slug = app.ledger.load(release).slug;
    const release::Mark mark{app.host.origin.text(), sys::now(),
                             why.empty() ? "said to be bad" : why};
    app.marks.set(MarkKind::bad, release, mark);
    const auto live = app.ledger.current();
    const bool is_live_as_another =
        slug && live && live != release && app.ledger.tree_of(*live) == slug->id;
    if (slug && !is_live_as_another)
        app.marks.hold(slug->id, mark);
    app.note_event("mark-bad", release, name_of(Outcome::done), mark.why);
}

std::string pin(const App& app, ReleaseNumber release, std::string name,
                std::chrono::milliseconds lock_patience) {
    const auto lock = lock_and_tidy(app, "pin", lock_patience);
    check_pin_name(app, release, name);
    const auto manifest = app.ledger.load(release);
    if (!is_kept(app, manifest))
        throw refusal_to_pin(app, manifest);
    if (const auto earlier = app.marks.get(MarkKind::pin, release); earlier && name.empty())
        name = earlier->why;
    app.marks.set(MarkKind::pin, release, {app.host.origin.text(), sys::now(), name});
    app.note_event("pin", release, name_of(Outcome::done), name);
    return name;
}

void unpin(const App& app, ReleaseNumber release, std::chrono::milliseconds lock_patience) {
    const auto lock = lock_and_tidy(app, "unpin", lock_patience);
    if (!app.marks.clear(MarkKind::pin, release))
        throw Error(fmt::format("{} is not pinned", release.text()))
            .advise(fmt::format("shipit -a {} pin", app.name().text()));
    app.note_event("unpin", release, name_of(Outcome::done));
}

} // namespace shipit::deploy

#include "core/deploy/holds.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/aftermath.hpp"
#include "core/sys/clock.hpp"

#include <cstdlib>

#include <fmt/core.h>

namespace shipit::deploy {

namespace {

Error refusal(const std::string& what, const release::Mark& mark) {
    return Error(fmt::format("{} is held by {} since {}: {}", what, printable(mark.who),
                             time_text(mark.at), printable(mark.why)),
                 Outcome::held);
}

} // namespace

bool may_force() {
    const char* key = std::getenv("SHIPIT_KEY"); // set by shipit receive, for each key
    return key == nullptr || *key == '\0';
}

std::string how_to_clear_holds(const App& app) {
    return fmt::format("mend the build; or, to take it all the same, on the host: shipit -a {} "
                       "hold --clear; then try again",
                       app.name().text());
}

void refuse_if_held(const App& app) {
    if (const auto mark = app.marks.hold_on_app())
        throw refusal(fmt::format("'{}'", app.name().text()), *mark)
            .advise(fmt::format("shipit -a {} hold --clear", app.name().text()));
}

void refuse_if_held(const App& app, const SlugId& slug, const std::string& next) {
    if (const auto mark = app.marks.hold_on(slug))
        throw refusal("this build", *mark).advise(next);
}

void warn_of_holds(const App& app, const SlugId& slug) {
    const auto warn = [&app](const std::optional<release::Mark>& mark, const std::string& what) {
        if (mark)
            app.host.progress.warn_of(refusal(what, *mark).why() + "; it is stored all the same");
    };
    warn(app.marks.hold_on_app(), fmt::format("'{}'", app.name().text()));
    warn(app.marks.hold_on(slug), "this build");
}

void hold(const App& app, const std::optional<SlugId>& slug, const std::string& why,
          std::chrono::milliseconds lock_patience) {
    const auto lock = lock_and_tidy(app, "hold", lock_patience);
    const release::Mark mark{app.host.origin.text(), sys::now(), why};
    if (slug)
        app.marks.hold(*slug, mark);
    else
        app.marks.hold_app(mark);
    app.note_event("hold", std::nullopt, name_of(Outcome::done), why);
}

ClearedHolds clear_holds(const App& app, const std::optional<SlugId>& slug,
                         std::chrono::milliseconds lock_patience) {
    const auto lock = lock_and_tidy(app, "hold", lock_patience);
    ClearedHolds cleared;
    const auto clear = [&](const SlugId& id) {
        if (app.marks.clear_hold(id))
            cleared.slugs.push_back(id);
    };
    if (slug)
        clear(*slug);
    else if (!(cleared.app = app.marks.clear_hold_on_app()))
        for (const SlugId& held : app.marks.held_slugs())
            clear(held);
    app.note_event("hold", std::nullopt, name_of(Outcome::done), "cleared");
    return cleared;
}

} // namespace shipit::deploy

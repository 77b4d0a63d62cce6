#include "core/deploy/holds.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <fmt/core.h>

namespace shipit::deploy {

namespace {

Error refusal(const std::string& what, const release::Mark& mark) {
    return Error(fmt::format("{} is held by {} since {}: {}", what, printable(mark.who),
                             time_text(mark.at), printable(mark.why)),
                 Outcome::held);
}

} // namespace

void refuse_if_held(const App& app) {
    if (const auto mark = app.marks.hold_on_app())
        throw refusal(fmt::format("'{}'", app.name().text()), *mark)
            .advise(fmt::format("shipit -a {} hold --clear", app.name().text()));
}

void refuse_if_held(const App& app, const SlugId& slug) {
    if (const auto mark = app.marks.hold_on(slug))
        throw refusal("this build", *mark)
            .advise("mend the build, or deploy it all the same with --force");
}

} // namespace shipit::deploy

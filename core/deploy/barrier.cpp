#include "core/deploy/barrier.hpp"

#include "core/base/text.hpp"
#include "core/sys/clock.hpp"

#include <fmt/core.h>

namespace shipit::deploy {

using release::MarkKind;

void set_barrier(const App& app, ReleaseNumber release, const std::string& why) {
    app.marks.set(MarkKind::barrier, release, {app.host.origin.text(), sys::now(), why});
}

void move_barrier(const App& app, ReleaseNumber failed, ReleaseNumber live) {
    const auto mark = app.marks.get(MarkKind::barrier, failed);
    if (!mark)
        return;
    set_barrier(app, live, fmt::format("{} failed, but {}", failed.text(), mark->why));
    app.marks.clear(MarkKind::barrier, failed);
}

std::string barrier_before(const App& app, ReleaseNumber target) {
    const auto barriers = app.marks.barriers_after(target);
    if (barriers.empty())
        return "";
    const ReleaseNumber nearest = barriers.front();
    const auto mark = app.marks.get(MarkKind::barrier, nearest).value_or(release::Mark{});
    return fmt::format("{} is from before {}, which cannot be undone{}{}", target.text(),
                       nearest.text(), mark.why.empty() ? "" : ": ", printable(mark.why));
}

} // namespace shipit::deploy

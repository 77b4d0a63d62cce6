// The deploy of a push, told in a file: whoever asks for it later joins it there.
#pragma once

#include "core/base/ids.hpp"
#include "core/push/messages.hpp"
#include "core/push/wire.hpp"
#include "core/sys/fd.hpp"
#include "core/sys/file.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace shipit::push {

using sys::Path;

// Where the deploy of this push is told.
[[nodiscard]] Path run_of(const Path& arrivals, const Request& request);

// Whether a name among the arrivals is that of a run, and whether nobody has ended it yet.
[[nodiscard]] bool is_run(std::string_view name);
[[nodiscard]] bool is_going_on(const Path& run);

// The run that a push has to join instead of beginning one. Nothing if there is none. It is
//
// - its own that is going on, or has ended: well only if `is_still_so` says that its result is true
//   to this day, since the pusher takes it for what is live;
// - or anybody's that is going on, and makes of the same slug what this push wants made of it: to
//   be stored or live, by force, on trial for so long.
[[nodiscard]] std::optional<Path>
run_to_join(const Path& arrivals, const Request& request,
            const std::function<bool(const Result& result)>& is_still_so);

// Writes one. It is going on for as long as this, or a copy of it in a child, is there.
class Run {
  public:
    // Nothing if it is going on already. What an earlier try left, which came to no result, is
    // thrown away.
    [[nodiscard]] static std::optional<Run> begin(const Path& path);

    void add(const std::string& line);
    void finish(const Result& result);
    [[nodiscard]] const Path& path() const { return m_path; }

  private:
    Run(Path path, sys::Fd fd) : m_path(std::move(path)), m_fd(std::move(fd)) {}

    Path m_path;
    sys::Fd m_fd;
};

// Runs `work` in a child that has nothing to do with our terminal, our connection or our end, and
// that ends when `work` does. Only while this process has one thread.
void detach(const std::function<void()>& work);

// Sends what is in a run, and what comes, to its end; gives the status. If it was cut short, that
// is the result. Throws Disconnected if nobody reads it any more.
int relay(Wire& wire, const Path& run, int output);

} // namespace shipit::push

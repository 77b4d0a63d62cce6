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

// What becomes of the build: who wants the one does not join the other.
enum class Aim { live, stored };

// Where the deploy of this push is told.
[[nodiscard]] Path run_of(const Path& arrivals, const SlugId& slug, const std::string& token,
                          Aim aim = Aim::live);

// Whether a name among the arrivals is that of a run, and whether nobody has ended it yet.
[[nodiscard]] bool is_run(std::string_view name);
[[nodiscard]] bool is_going_on(const Path& run);

// The run that a push of `slug` with `token` has to join instead of beginning one: its own, going
// on or ended, or anybody's of the same slug and aim that is going on. Nothing if there is none.
[[nodiscard]] std::optional<Path> run_to_join(const Path& arrivals, const SlugId& slug,
                                              const std::string& token, Aim aim = Aim::live);

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

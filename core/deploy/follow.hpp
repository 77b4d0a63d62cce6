// Following a change by its transcript, from outside: `shipit output -f`.
#pragma once

#include "core/deploy/app.hpp"

#include <functional>
#include <optional>
#include <string_view>

namespace shipit::deploy {

// The release whose transcript is being written; if a command is at work that has not recorded its
// release yet, waits for that, and throws Error if it ends without one. With nobody at work, the
// newest release; nothing if there is none. `output` as in FolderWatch::wait.
[[nodiscard]] std::optional<ReleaseNumber> release_to_follow(const App& app, int output);

struct Followed {
    enum class End {
        told,      // with its exit status
        not_told,  // written by an earlier shipit, or not to its end
        cut_short, // the command that wrote it is gone
        unread,    // nobody reads `output` any more
    } end;
    int exit_status = 0;
};

// Gives each line of the transcript, and those that come, until the change that writes it has
// ended. Throws Error if there is no such release, or it has no transcript.
[[nodiscard]] Followed follow(const App& app, ReleaseNumber release, int output,
                              const std::function<void(std::string_view line)>& take);

} // namespace shipit::deploy

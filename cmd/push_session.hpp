// What serves a push on the host, for `shipit receive`.
#pragma once

#include "core/deploy/app.hpp"

namespace shipit::cmd {

// Whether a push may ask for --force. Said by the command that serves it: what comes over the
// connection may be a deploy key's.
enum class Force { refused, allowed };

// Speaks the push protocol (core/push) with whoever is at `in` and `out`, takes what is missing of
// a build, and deploys it to `app` in a process of its own, which outlives the connection and this
// process. Follows that deploy to its end, or joins one of the same push. Gives the exit status,
// which the other side is told, too; errors are told there, not thrown. Throws Error only for what
// is wrong with the app or its settings before anything was said to the other side.
[[nodiscard]] int serve_push(const deploy::App& app, Force force, int in, int out);

} // namespace shipit::cmd

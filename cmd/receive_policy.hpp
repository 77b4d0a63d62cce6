// What the holder of an app's deploy key may do: push, deploy, roll back and read the releases of
// that one app, whatever comes as the command. An allow-list; everything else is refused.
#pragma once

#include "core/base/ids.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace shipit::cmd {

struct Permitted {
    enum class What {
        command,  // `words` are a command line of shipit's, without the app and without "shipit"
        push,     // `shipit push` on the other side
        git_push, // `git push`, to the app's repository
    } what;
    std::vector<std::string> words;
};

// What `original` asks for (SSH_ORIGINAL_COMMAND: what the client wants to run, any bytes), if that
// is permitted to a key for `app`. Words are what a shell would make of them, where that needs no
// shell; a command comes out in one form, in whichever of its forms it was asked for, so that
// nothing of the text is interpreted again. Throws Error (usage) that says why not, and quotes no
// value that may be a secret.
[[nodiscard]] Permitted permitted(const AppName& app, std::string_view original);

// The names of those of the variables ("NAME=value") that somebody wants to change with what runs
// here: how programs are loaded, what a shell reads, what shipit goes by. sshd hands on only what
// its AcceptEnv allows, and none of these should be.
[[nodiscard]] std::vector<std::string> hostile_variables(std::span<const std::string> environment);

// `original` as a record may quote it: one line, short, what is behind a '=' left out.
[[nodiscard]] std::string quotable(std::string_view original);

} // namespace shipit::cmd

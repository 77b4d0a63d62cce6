// The git repository of an app: bare, in the app's folder, made by `shipit git-init`. Its
// pre-receive hook, `shipit git-hook`, deploys a push before git takes it, so that a push whose
// build or deploy fails is rejected, and the branch is always what was deployed, or stored, last.
#pragma once

#include "core/deploy/app.hpp"
#include "core/deploy/deploy.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace shipit::deploy {

struct Repository {
    sys::Path folder;
    std::string branch; // that is deployed; empty: the first one that is pushed
    bool is_new = false;
};

// Makes the app's repository, or its settings and its hook anew. `branch`: the one that is deployed
// from now on. Throws Error: there is no git, or no branch can have that name.
Repository make_repository(const App& app, const std::optional<std::string>& branch);

// The command line that takes a push to it over standard input and output, of slug.max_bytes at
// most. Throws Error if there is none.
[[nodiscard]] std::vector<std::string> git_receive(const App& app);

// One line of what git tells a pre-receive hook: "BEFORE AFTER refs/heads/main"; zeros stand for
// what is not there.
struct RefUpdate {
    std::string before;
    std::string after;
    std::string ref;

    [[nodiscard]] bool deletes() const;
};
// Throws Error for anything that git does not write.
[[nodiscard]] std::vector<RefUpdate> ref_updates(std::string_view lines);

// What `git push -o OPTION` asks for.
struct PushOptions {
    bool no_activate = false;
    std::string description; // of the release; empty: made from the commit
};
// Throws Error (usage), telling what there is, for an option that is none.
[[nodiscard]] PushOptions push_options(std::span<const std::string> given);

// What a push does: deploys the branch that is deployed, if it is among `updates`; of other
// branches it says that they are not. In the environment that git gives its hooks, by which it
// shows objects that are not taken yet; standard input is used. Throws Error for what git must
// reject.
[[nodiscard]] std::optional<Deployed> deploy_push(App& app, std::span<const RefUpdate> updates,
                                                  const PushOptions& wanted,
                                                  const ChangeOptions& options);

} // namespace shipit::deploy

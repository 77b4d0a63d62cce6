// A program beside the supervised ones: `shipit run`.
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/release_tree.hpp"
#include "core/deploy/running.hpp"
#include "core/supervise/run_once.hpp"

#include <fmt/core.h>
#include <unistd.h>

namespace shipit::deploy {

namespace {

// No prune takes it while this lives: its slug is held, which is ours, while the app could open the
// tree, and whoever can open it can lock it.
struct HeldTree {
    sys::Path path;
    std::optional<sys::Fd> hold;
};

// The release's tree; unpacked under the lock if it is not there (trees are a cache).
HeldTree tree_of(const App& app, const release::SlugFacts& slug) {
    const sys::Path file = app.layout.slug(slug.id);
    if (has_tree(app, slug.id)) {
        HeldTree tree{app.layout.tree(slug.id), sys::hold(file)};
        // It was not pruned in between; one whose slug was lost cannot be made again.
        if ((tree.hold || !sys::is_there(file)) && has_tree(app, slug.id))
            return tree;
    }
    const auto lock = app.lock("run", std::chrono::minutes(10));
    auto tree = complete_tree(app, slug);
    auto hold = sys::hold(file);
    return {std::move(tree), std::move(hold)};
}

} // namespace

supervise::Program one_off_program(const App& app, const release::Manifest& manifest,
                                   const sys::Path& tree, const std::string& process,
                                   const std::string& command) {
    const config::Settings settings = app.settings_of_tree(tree);
    supervise::Program program;
    program.name = process;
    program.type = process;
    program.command = command;
    program.environment =
        environment_of(surroundings_of(app, manifest, settings), manifest.config, process);
    program.folder = tree;
    program.user = app.account(settings.app);
    return program;
}

int run_one_off(App& app, std::optional<ReleaseNumber> release,
                const std::vector<std::string>& words) {
    const ReleaseNumber number = release ? *release : app.live();
    const release::Manifest manifest = app.ledger.load(number);
    if (!manifest.slug)
        throw Error(fmt::format("{} has no slug", number.text()));
    std::vector<std::string> quoted;
    for (const std::string& word : words)
        quoted.push_back(shell_quoted(word));
    // One word may be a whole command line, as Heroku takes it: run "ls -l | wc -l".
    const std::string command = words.size() == 1 ? words.front() : joined(quoted, " ");
    const HeldTree tree = tree_of(app, *manifest.slug);
    supervise::Program program = one_off_program(app, manifest, tree.path, "run", command);
    if (::isatty(STDIN_FILENO) == 1 || ::isatty(STDOUT_FILENO) == 1)
        for (auto& variable : terminal_variables(manifest.config))
            program.environment.push_back(std::move(variable));
    return supervise::run_interactively(program).code;
}

} // namespace shipit::deploy

// git-init, git-hook: an app's repository, whose pushes deploy.
#include "cmd/changes.hpp"

#include "core/base/text.hpp"
#include "core/deploy/repository.hpp"
#include "core/sys/file.hpp"

#include <charconv>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/core.h>
#include <unistd.h>

namespace shipit::cmd {

namespace {

// What `git push -o` has asked for, as git tells it to its hooks (githooks(5)).
std::vector<std::string> given_push_options() {
    const char* const told = std::getenv("GIT_PUSH_OPTION_COUNT");
    const std::string_view count = told != nullptr ? told : "";
    unsigned number = 0;
    (void)std::from_chars(count.data(), count.data() + count.size(), number);
    std::vector<std::string> given;
    for (unsigned i = 0; i < number; i++)
        if (const char* option = std::getenv(fmt::format("GIT_PUSH_OPTION_{}", i).c_str()))
            given.emplace_back(option);
    return given;
}

int init(Invocation& invocation) {
    const auto app =
        deploy::App::open(invocation.host(), AppName::parse(*invocation.arguments.word(0)));
    const auto lock = app.lock("git-init", invocation.patience());
    const auto made = deploy::make_repository(app, invocation.arguments.text("branch"));
    if (invocation.terminal.wants_json()) {
        invocation.terminal.print_json(
            Json::object({{"app", app.name().text()},
                          {"folder", made.folder.string()},
                          {"branch", made.branch.empty() ? Json() : Json(made.branch)},
                          {"created", made.is_new}}));
        return 0;
    }
    invocation.terminal.print(fmt::format(
        "{} {}: pushes {} deploy {}", made.is_new ? "Made" : "Renewed",
        printable(made.folder.string()),
        made.branch.empty() ? "of the branch that is pushed first" : "of " + printable(made.branch),
        app.name().text()));
    invocation.terminal.note(
        fmt::format("next: git remote add shipit USER@HOST:{}", printable(made.folder.string())));
    return 0;
}

int hook(Invocation& invocation) {
    constexpr std::uint64_t longest = 1 << 20; // some ten thousand branches
    auto app = invocation.app();
    const auto updates =
        deploy::ref_updates(sys::read_all(STDIN_FILENO, "standard input", longest));
    const auto wanted = deploy::push_options(given_push_options());
    auto options = change_options(invocation);
    options.lock_patience = std::chrono::minutes(10); // behind another push
    const auto deployed = deploy::deploy_push(app, updates, wanted, options);
    if (!deployed)
        return 0;
    if (invocation.terminal.wants_json())
        invocation.terminal.print_json(json_of(app, *deployed));
    else
        say(invocation.terminal, end_of(app, *deployed));
    return 0;
}

} // namespace

extern const Command git_init_command, git_hook_command;

const Command git_init_command{
    "git-init",
    "make a git repository whose pushes deploy",
    {{"APP", Argument::Number::one}},
    {{"--branch", "NAME", "the branch that is deployed; else the first one that is pushed"},
     wait_option},
    {"shipit git-init blog", "shipit git-init blog --branch=production"},
    init};

const Command git_hook_command{"git-hook", "deploy a push; run by git", {}, {}, {}, hook, true};

} // namespace shipit::cmd

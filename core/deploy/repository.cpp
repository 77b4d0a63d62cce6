#include "core/deploy/repository.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/holds.hpp"
#include "core/deploy/release_command.hpp"
#include "core/sys/capture.hpp"
#include "core/sys/clock.hpp"
#include "core/sys/fd.hpp"
#include "core/sys/process.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include <fmt/core.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace shipit::deploy {

namespace {

constexpr std::string_view branches = "refs/heads/";
constexpr const char* usual_branch = "main";
constexpr const char* takes_options = "receive.advertisePushOptions";
constexpr mode_t private_folder = 0700;
constexpr mode_t program_mode = 0755;

// --- Asking git ---

std::string git_program() {
    const auto git = sys::find_program("git");
    if (!git)
        throw Error("there is no git on this host").advise("apt-get install git");
    return *git;
}

// A hook's environment shows it the objects that were pushed; nothing else of it counts.
enum class Sees { what_is_taken, what_is_pushed };

sys::Question git(const sys::Path& folder, std::vector<std::string> command, Sees sees) {
    sys::Question question;
    question.program = git_program();
    question.arguments = {"--git-dir=" + folder.string()};
    question.arguments.insert(question.arguments.end(), command.begin(), command.end());
    question.environment = {"PATH=" + sys::search_path(), "HOME=" + sys::own_account().home,
                            "LC_ALL=C", "GIT_TERMINAL_PROMPT=0"};
    for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
        const std::string_view text(*variable);
        for (const std::string_view name :
             {"GIT_OBJECT_DIRECTORY=", "GIT_ALTERNATE_OBJECT_DIRECTORIES=", "GIT_QUARANTINE_PATH=",
              "GIT_SHALLOW_FILE="})
            if (sees == Sees::what_is_pushed && text.starts_with(name))
                question.environment.emplace_back(text);
    }
    return question;
}

// What git says, without the newline at its end; nothing if it fails.
std::optional<std::string> asked(const sys::Path& folder, std::vector<std::string> command,
                                 Sees sees = Sees::what_is_taken) {
    constexpr std::size_t longest = 64 << 10;
    const auto answer = sys::answer_to(git(folder, std::move(command), sees),
                                       sys::Deadline(std::chrono::seconds(30)), longest);
    return answer ? std::optional(std::string(trimmed(*answer))) : std::nullopt;
}

void demand(const sys::Path& folder, const std::vector<std::string>& command) {
    if (!asked(folder, command))
        throw Error(fmt::format("'git {}' failed in '{}'", joined(command, " "), folder.string()));
}

// --- Which branch is deployed ---

constexpr const char* chosen_branch = "shipit.branch"; // a setting of the repository's

struct Deployable {
    std::string ref; // refs/heads/main
    bool is_settled; // false: whichever is pushed first takes its place
};

Deployable deployable(const sys::Path& folder) {
    if (const auto chosen = asked(folder, {"config", chosen_branch}); chosen && !chosen->empty())
        return {std::string(branches) + *chosen, true};
    const auto head = asked(folder, {"symbolic-ref", "HEAD"});
    const std::string ref = head.value_or(std::string(branches) + usual_branch);
    return {ref, asked(folder, {"rev-parse", "--verify", "--quiet", ref}).has_value()};
}

std::string short_name(std::string_view ref) {
    return std::string(ref.starts_with(branches) ? ref.substr(branches.size()) : ref);
}

// Null: nothing is to be deployed.
const RefUpdate* chosen(std::span<const RefUpdate> updates, Deployable& deployable) {
    const auto named = std::find_if(updates.begin(), updates.end(), [&](const RefUpdate& update) {
        return update.ref == deployable.ref;
    });
    if (named != updates.end())
        return &*named;
    if (deployable.is_settled)
        return nullptr;
    const auto is_candidate = [](const RefUpdate& update) {
        return update.ref.starts_with(branches) && !update.deletes();
    };
    if (std::count_if(updates.begin(), updates.end(), is_candidate) != 1)
        return nullptr;
    const auto only = std::find_if(updates.begin(), updates.end(), is_candidate);
    deployable.ref = only->ref;
    return &*only;
}

void tell_others(const App& app, std::span<const RefUpdate> updates, const std::string& ref) {
    for (const RefUpdate& update : updates)
        if (update.ref != ref && update.ref.starts_with(branches) && !update.deletes())
            app.host.progress.begin_phase(fmt::format(
                "{0} is taken and not deployed, as {1} is; to deploy it: git push REMOTE {0}:{1}",
                printable(short_name(update.ref)), printable(short_name(ref))));
}

// --- Deploying it ---

release::Source source_of(const sys::Path& folder, const RefUpdate& update) {
    constexpr std::size_t longest = 200;
    const auto subject = asked(
        folder, {"rev-list", "--no-commit-header", "--max-count=1", "--format=%s", update.after},
        Sees::what_is_pushed);
    return {update.after, shortened(printable(short_name(update.ref)), longest), false,
            shortened(printable(subject.value_or("")), longest)};
}

// Pushes take turns, from their hook's start until git has moved the branch. That happens after the
// hook's end, so that a lock alone would be free too early: who comes next waits, too, for the git
// that had its turn before.
class Turn {
  public:
    Turn(const App& app, const sys::Path& folder)
        : m_lock(folder / "shipit.lock",
                 {app.host.origin.text(), "git push", sys::now(), ::getpid()},
                 std::chrono::minutes(30), [&app](const sys::LockHolder& holder) {
                     app.host.progress.begin_phase("waiting for " + holder.text(sys::now()));
                 }) {
        const sys::Path last = folder / "shipit.last-push";
        if (const auto before = sys::read_file_if_any(last))
            wait_for_end(*before);
        const pid_t git = ::getppid();
        sys::replace(last, fmt::format("{} {}", git, sys::start_time_of(git).value_or(0)), 0600);
    }

  private:
    static void wait_for_end(const std::string& text) {
        const auto parts = split(text, ' ');
        const auto number = [&parts](std::size_t i) {
            std::uint64_t value = 0;
            if (i < parts.size())
                (void)std::from_chars(parts[i].data(), parts[i].data() + parts[i].size(), value);
            return value;
        };
        const sys::ProcessName git{static_cast<pid_t>(number(0)), number(1)};
        const sys::Fd end(static_cast<int>(::syscall(SYS_pidfd_open, git.pid, 0U)));
        // Looked at when the pidfd is there: from then on the pid cannot change its meaning.
        if (!end || !sys::is_alive(git))
            return;
        constexpr int enough = 30'000; // milliseconds; it may be collecting garbage
        pollfd ended{end.get(), POLLIN, 0};
        (void)::poll(&ended, 1, enough);
    }

    sys::Lock m_lock;
};

// Whoever waited may find that another push came first.
void require_unmoved(const sys::Path& folder, const RefUpdate& update) {
    const bool was_there = update.before.find_first_not_of('0') != std::string::npos;
    const auto now = asked(folder, {"rev-parse", "--verify", "--quiet", update.ref});
    if (now.value_or("") != (was_there ? update.before : ""))
        throw Error(
            fmt::format("another push to '{}' came first", printable(short_name(update.ref))))
            .advise("git pull, and push again");
}

void build(const App& app, const slug::Build& checkout) {
    const config::Settings settings =
        app.settings_of(checkout.read_file("shipit.toml"), checkout.read_file("Procfile"));
    if (settings.build.command.empty())
        return;
    app.host.progress.begin_phase("building: " + printable(settings.build.command));
    try {
        run_build_command(app, settings, checkout.folder(), [&app](std::string_view output) {
            app.host.progress.show(std::string(output));
        });
    } catch (const Error& error) {
        app.note_event("build", std::nullopt, name_of(error.outcome()), error.why());
        throw;
    }
}

// git archive leaves their folders empty.
void warn_of_submodules(const App& app, const sys::Path& folder, const RefUpdate& update) {
    constexpr std::size_t longest = 200;
    const auto paths = asked(folder,
                             {"config", "--blob", update.after + ":.gitmodules", "--get-regexp",
                              "^submodule\\..*\\.path$"},
                             Sees::what_is_pushed);
    if (!paths || paths->empty())
        return;
    std::vector<std::string> names;
    for (const std::string_view line : split(*paths, '\n')) // "submodule.NAME.path PATH"
        names.emplace_back(line.substr(std::min(line.find(".path ") + 6, line.size())));
    app.host.progress.warn_of(fmt::format("submodules are empty folders in what is deployed: {}",
                                          shortened(printable(joined(names, ", ")), longest)));
}

Deployed deploy_commit(App& app, const RefUpdate& update, const PushOptions& wanted,
                       const ChangeOptions& options) {
    const sys::Path folder = app.layout.repository();
    DeployRequest request;
    request.build = "-";
    request.description = wanted.description;
    request.no_activate = wanted.no_activate;
    request.source = source_of(folder, update);
    request.options = options;
    request.prepare = build;
    request.can_force = false; // what `git push --force` forces is the branch
    warn_of_submodules(app, folder, update);
    // Modes as a checkout has them: git's own default would let a group write.
    const sys::Answering archive(
        git(folder, {"-c", "tar.umask=0022", "archive", "--format=tar", update.after},
            Sees::what_is_pushed));
    if (::dup2(archive.output(), STDIN_FILENO) < 0)
        throw_errno("cannot read what git has");
    return deploy(app, request);
}

} // namespace

bool RefUpdate::deletes() const {
    return after.find_first_not_of('0') == std::string::npos;
}

std::vector<RefUpdate> ref_updates(std::string_view lines) {
    std::vector<RefUpdate> updates;
    for (const std::string_view line : split(lines, '\n')) {
        if (line.empty())
            continue;
        const auto parts = split(line, ' ');
        const auto is_id = [](std::string_view id) {
            constexpr std::size_t sha1 = 40;
            constexpr std::size_t sha256 = 64;
            return (id.size() == sha1 || id.size() == sha256) &&
                   id.find_first_not_of("0123456789abcdef") == std::string_view::npos;
        };
        if (parts.size() != 3 || !is_id(parts[0]) || !is_id(parts[1]) ||
            !parts[2].starts_with("refs/"))
            throw Error("this is no list of pushed branches, as git gives it to its hooks",
                        Outcome::usage);
        updates.push_back({std::string(parts[0]), std::string(parts[1]), std::string(parts[2])});
    }
    return updates;
}

PushOptions push_options(std::span<const std::string> given) {
    constexpr std::string_view message = "message=";
    PushOptions wanted;
    for (const std::string& option : given) {
        if (option == "no-activate")
            wanted.no_activate = true;
        else if (option.starts_with(message))
            wanted.description = option.substr(message.size());
        else
            throw Error(fmt::format("there is no push option '{}'", printable(option)),
                        Outcome::usage)
                .advise("there are '-o no-activate' and '-o message=TEXT'");
    }
    return wanted;
}

Repository make_repository(const App& app, const std::optional<std::string>& branch) {
    const sys::Path folder = app.layout.repository();
    Repository made{folder, "", !sys::is_there(folder / "HEAD")};
    if (branch && (branch->starts_with('-') ||
                   !asked("/", {"check-ref-format", std::string(branches) + *branch})))
        throw Error(fmt::format("no branch can be called '{}'", printable(*branch)),
                    Outcome::usage);
    sys::make_folders(folder, private_folder); // there is code in it, and nobody else's business
    demand(folder, {"init", "--bare", "--quiet",
                    "--template=", std::string("--initial-branch=") + usual_branch});
    sys::make_folders(folder / "hooks", private_folder);
    // By the repository's own setting, since a user may have hooks for all repositories elsewhere.
    demand(folder, {"config", "core.hooksPath", (folder / "hooks").string()});
    // Runners of CI have but the last commit.
    demand(folder, {"config", "receive.shallowUpdate", "true"});
    demand(folder, {"config", takes_options, "true"});
    if (branch) {
        demand(folder, {"config", chosen_branch, *branch});
        demand(folder, {"symbolic-ref", "HEAD", std::string(branches) + *branch});
    }
    sys::replace_durably(
        folder / "hooks/pre-receive",
        fmt::format(
            "#!/bin/sh\n"
            "# Deploys what is pushed; made by 'shipit git-init {0}', which makes it anew.\n"
            "exec {1} --root={2} --app={0} git-hook\n",
            app.name().text(), shell_quoted(sys::own_program().string()),
            shell_quoted(app.host.root.string())),
        program_mode);
    const Deployable now = deployable(folder);
    made.branch = now.is_settled ? short_name(now.ref) : "";
    return made;
}

std::vector<std::string> git_receive(const App& app) {
    const sys::Path folder = app.layout.repository();
    if (!sys::is_there(folder / "HEAD"))
        throw Error(fmt::format("'{}' has no git repository", app.name().text()))
            .advise(fmt::format("on the host: shipit git-init {}", app.name().text()));
    // With each push, rather than in the repository, so that 'shipit set' changes it.
    constexpr std::uint64_t most_git_can_count = std::numeric_limits<std::int64_t>::max();
    const auto most = std::min(limits_of(app).bytes, most_git_can_count);
    return {git_program(), "-c", fmt::format("receive.maxInputSize={}", most), "receive-pack",
            folder.string()};
}

std::optional<Deployed> deploy_push(App& app, std::span<const RefUpdate> updates,
                                    const PushOptions& wanted, const ChangeOptions& options) {
    const sys::Path folder = app.layout.repository();
    Deployable place = deployable(folder);
    const RefUpdate* update = chosen(updates, place);
    if (update != nullptr && update->deletes())
        throw Error(fmt::format("'{}' is the branch that is deployed: it stays",
                                printable(short_name(update->ref))))
            .advise("shipit git-init APP --branch=NAME chooses another one");
    tell_others(app, updates, place.ref);
    if (update == nullptr)
        return std::nullopt;
    const Turn turn(app, folder);
    require_unmoved(folder, *update);
    // From the next push on, where an earlier shipit has made the repository.
    if (!asked(folder, {"config", takes_options}))
        demand(folder, {"config", takes_options, "true"});
    Deployed deployed = deploy_commit(app, *update, wanted, options);
    if (!place.is_settled)
        demand(folder, {"symbolic-ref", "HEAD", place.ref});
    return deployed;
}

} // namespace shipit::deploy

#include "core/deploy/shared.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/slug/folder_chain.hpp"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

namespace shipit::deploy {

namespace {

constexpr mode_t world_readable = S_IRWXU | S_IRGRP | S_IXGRP | S_IROTH | S_IXOTH;

// A folder below another, made where it is missing. Never through a symlink: an app may put one in
// the place of any of its own folders, and a build may have one anywhere.
struct Step {
    sys::Fd folder; // none: what is there is something else, see errno
    bool made = false;
};

Step step_into(const sys::Fd& folder, const std::string& name, mode_t mode) {
    Step step;
    step.made = ::mkdirat(folder.get(), name.c_str(), mode) == 0;
    if (step.made || errno == EEXIST)
        step.folder.reset(
            ::openat(folder.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    return step;
}

void make_shared_folder(const sys::Path& shared, const std::string& path,
                        const std::optional<sys::Account>& owner) {
    sys::Fd folder = sys::open_file(shared, O_RDONLY | O_DIRECTORY);
    for (const std::string_view part : split(path, '/')) {
        Step step = step_into(folder, std::string(part), S_IRWXU | S_IRGRP | S_IXGRP);
        if (!step.folder)
            throw_errno(fmt::format("cannot use '{}/{}' as a shared folder", shared.string(),
                                    printable(path)));
        if (step.made && owner && ::fchown(step.folder.get(), owner->uid, owner->gid) != 0)
            throw_errno(fmt::format("cannot give '{}/{}' to user '{}'", shared.string(),
                                    printable(path), owner->name));
        folder = std::move(step.folder);
    }
}

// The folders in the tree in which the link is to be.
void make_parents(const sys::Path& tree, const std::string& path) {
    sys::Fd folder = sys::open_file(tree, O_RDONLY | O_DIRECTORY);
    auto parts = split(path, '/');
    parts.pop_back();
    for (const std::string_view part : parts) {
        Step step = step_into(folder, std::string(part), world_readable);
        if (!step.folder && (errno == ENOTDIR || errno == ELOOP))
            throw Error(fmt::format("app.shared has '{}', but '{}' in the build is not a folder",
                                    printable(path), printable(part)),
                        Outcome::usage);
        if (!step.folder)
            throw_errno(
                fmt::format("cannot make the folder of '{}/{}'", tree.string(), printable(path)));
        folder = std::move(step.folder);
    }
}

// "../../shared/var/log" for "var/log" in trees/ID.
std::string target_of(const std::string& path) {
    std::string up = "../../";
    for (const char c : path)
        if (c == '/')
            up += "../";
    return up + "shared/" + path;
}

// What is at a path below a folder; no symlink is followed.
struct Found {
    bool is_there = false;
    struct stat status = {};

    [[nodiscard]] bool is_file() const { return is_there && S_ISREG(status.st_mode); }
};

Found found_in(const sys::Path& folder, const std::string& path) {
    const sys::Fd root = sys::open_file(folder, O_RDONLY | O_DIRECTORY);
    slug::FolderChain chain(root.get(), folder);
    const int parent = chain.parent_of(path);
    Found found;
    found.is_there = parent >= 0 && ::fstatat(parent, slug::FolderChain::name_of(path).c_str(),
                                              &found.status, AT_SYMLINK_NOFOLLOW) == 0;
    return found;
}

// Whether there is nothing yet that could be the app's data.
bool is_new(const sys::Path& shared, const std::string& path, const Found& found) {
    return !found.is_there ||
           (S_ISDIR(found.status.st_mode) && sys::names_in(shared / path).empty());
}

bool has_file(const sys::Path& folder, const std::string& path) {
    return !folder.empty() && sys::is_there(folder) && found_in(folder, path).is_file();
}

// What of that path would be put from `folder` into `shared`, where it has no data.
struct Putting {
    const char* command; // "mv -T"
    const sys::Path& folder;
    const sys::Path& shared;
    const std::string& path;
};

// The advice: `steps` first, then that.
std::string way_into_shared(const char* to_what, std::vector<std::string> steps,
                            const Putting& putting) {
    const sys::Path to = putting.shared / putting.path;
    if (!sys::is_there(to.parent_path()))
        steps.push_back("mkdir -p " + shell_quoted(to.parent_path().string()));
    if (found_in(putting.shared, putting.path).is_there)
        steps.push_back("rmdir " + shell_quoted(to.string()));
    steps.push_back(fmt::format("{} {} {}", putting.command,
                                shell_quoted((putting.folder / putting.path).string()),
                                shell_quoted(to.string())));
    return fmt::format("{}: {}; and this again", to_what, joined(steps, " && "));
}

std::string way_of_release(const std::string& stop_command, const sys::Path& tree,
                           const sys::Path& shared, const std::string& path) {
    return way_into_shared("to go on with the release's", {stop_command},
                           {"mv -T", tree, shared, path});
}

Error file_becomes_no_folder(const char* where, const sys::Path& shared, const std::string& path) {
    return Error(fmt::format("app.shared has '{}', which is a file in {}: name the folder it is "
                             "in, or put the file into '{}' first",
                             printable(path), where, printable(shared.string())),
                 Outcome::usage);
}

void refuse_what_would_be_gone(const sys::Path& tree, const sys::Path& shared,
                               const std::string& path, const TreeContent& content) {
    const Found in_shared = found_in(shared, path);
    // Root reads them, and follows a link that the app may put in their place.
    if (in_shared.is_file() && (path == "shipit.toml" || path == "Procfile"))
        throw Error(fmt::format("app.shared has '{}', which shipit reads: it can be no file of the "
                                "app's",
                                path),
                    Outcome::usage);
    if (sys::link_target(tree / path) == target_of(path))
        return;
    if (!is_new(shared, path, in_shared))
        return;
    const auto other_in_live = content.live.empty() ? std::nullopt : content.other_in_live(path);
    const bool is_live_file = has_file(content.live, path); // also as the slug has it
    const std::string how = way_of_release(
        content.stop_command, other_in_live || is_live_file ? content.live : tree, shared, path);
    if (found_in(tree, path).is_file())
        throw file_becomes_no_folder("the build", shared, path).advise(how);
    if (is_live_file)
        throw file_becomes_no_folder("what is live", shared, path).advise(how);
    if (const auto other = other_in_live ? other_in_live : content.other(path))
        throw Error(fmt::format("app.shared has '{}', and '{}' is not in the build, and not in "
                                "'{}' yet: the app would not find it any more",
                                printable(path), printable(*other), printable(shared.string())),
                    Outcome::usage)
            .advise(how);
}

void link_into(const sys::Path& tree, const std::string& path, const TreeContent& content) {
    const sys::Path link = tree / path;
    const std::string target = target_of(path);
    make_parents(tree, path);
    if (sys::link_target(link) == target)
        return;
    if (found_in(tree, path).is_there && content.other(path))
        content.keep(path);
    sys::remove_tree(link); // what the slug had by that name; the slug still has it
    sys::replace_link_durably(link, target);
}

} // namespace

void refuse_files_left_out(const LeftOut& build, const sys::Path& shared,
                           const std::vector<std::string>& paths, const sys::Path& live,
                           const std::string& stop_command) {
    if (paths.empty())
        return;
    sys::make_folders(shared, world_readable);
    for (const std::string& path : paths) {
        if (!build.is_file(path) || !is_new(shared, path, found_in(shared, path)))
            continue;
        std::string how;
        if (has_file(live, path))
            how = way_of_release(stop_command, live, shared, path);
        else if (!build.folder.empty())
            how = way_into_shared("to begin with the build's", {},
                                  {"cp -T", build.folder, shared, path});
        throw file_becomes_no_folder("the build", shared, path).advise(how);
    }
}

void link_shared(const sys::Path& tree, const sys::Path& shared,
                 const std::vector<std::string>& paths, const std::optional<sys::Account>& owner,
                 const TreeContent& content) {
    if (paths.empty())
        return;
    sys::make_folders(shared, world_readable);
    for (const std::string& path : paths)
        refuse_what_would_be_gone(tree, shared, path, content);
    for (const std::string& path : paths) {
        if (!found_in(shared, path).is_file())
            make_shared_folder(shared, path, owner);
        link_into(tree, path, content);
    }
}

bool is_linked(const sys::Path& tree, const std::vector<std::string>& paths) {
    return std::all_of(paths.begin(), paths.end(), [&](const std::string& path) {
        return sys::link_target(tree / path) == target_of(path);
    });
}

std::vector<Closed> closed_to(const sys::Account& account, const sys::Path& shared,
                              const std::vector<std::string>& paths) {
    std::vector<Closed> closed;
    if (!sys::is_there(shared))
        return closed;
    for (const std::string& path : paths)
        if (const Found found = found_in(shared, path);
            found.is_there && !S_ISLNK(found.status.st_mode) &&
            found.status.st_uid != account.uid && !sys::may_write(account, found.status))
            closed.push_back({path, found.status.st_uid});
    return closed;
}

bool is_shared_link(const std::string& path, const std::string& target) {
    return target == target_of(path);
}

} // namespace shipit::deploy

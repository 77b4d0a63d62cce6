#include "core/deploy/shared.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

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

void link_into(const sys::Path& tree, const std::string& path) {
    const sys::Path link = tree / path;
    const std::string target = target_of(path);
    make_parents(tree, path);
    if (sys::link_target(link) == target)
        return;
    sys::remove_tree(link); // what the slug had by that name; the slug still has it
    sys::replace_link_durably(link, target);
}

} // namespace

void link_shared(const sys::Path& tree, const sys::Path& shared,
                 const std::vector<std::string>& paths, const std::optional<sys::Account>& owner) {
    if (paths.empty())
        return;
    sys::make_folders(shared, world_readable);
    for (const std::string& path : paths) {
        make_shared_folder(shared, path, owner);
        link_into(tree, path);
    }
}

bool is_shared_link(const std::string& path, const std::string& target) {
    return target == target_of(path);
}

} // namespace shipit::deploy

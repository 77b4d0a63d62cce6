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

// The folder `path` below `shared`, made where it is missing; step by step, since the app may put a
// symlink in the place of any of its own folders.
void make_shared_folder(const sys::Path& shared, const std::string& path,
                        const std::optional<sys::Account>& owner) {
    sys::Fd folder = sys::open_file(shared, O_RDONLY | O_DIRECTORY);
    for (const std::string_view part : split(path, '/')) {
        const std::string name(part);
        const bool made = ::mkdirat(folder.get(), name.c_str(), S_IRWXU | S_IRGRP | S_IXGRP) == 0;
        if (!made && errno != EEXIST)
            throw_errno(fmt::format("cannot make '{}/{}'", shared.string(), printable(path)));
        sys::Fd next(
            ::openat(folder.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!next)
            throw_errno(fmt::format("cannot use '{}/{}' as a shared folder", shared.string(),
                                    printable(path)));
        if (made && owner && ::fchown(next.get(), owner->uid, owner->gid) != 0)
            throw_errno(fmt::format("cannot give '{}/{}' to user '{}'", shared.string(),
                                    printable(path), owner->name));
        folder = std::move(next);
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
    if (sys::link_target(link) == target)
        return;
    sys::make_folders(link.parent_path(), S_IRWXU | S_IRGRP | S_IXGRP | S_IROTH | S_IXOTH);
    sys::remove_tree(link); // what the slug had by that name; the slug still has it
    sys::replace_link_durably(link, target);
}

} // namespace

void link_shared(const sys::Path& tree, const sys::Path& shared,
                 const std::vector<std::string>& paths, const std::optional<sys::Account>& owner) {
    if (paths.empty())
        return;
    sys::make_folders(shared, S_IRWXU | S_IRGRP | S_IXGRP | S_IROTH | S_IXOTH);
    for (const std::string& path : paths) {
        make_shared_folder(shared, path, owner);
        link_into(tree, path);
    }
}

bool is_shared_link(const std::string& path, const std::string& target) {
    return target == target_of(path);
}

} // namespace shipit::deploy

#include "core/sys/file_system.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <array>

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

namespace shipit::sys {

namespace {

// mountinfo has blanks, newlines and backslashes as \040, \012, \134.
std::string unescaped(std::string_view text) {
    constexpr std::size_t digits = 3;
    const auto is_octal = [](char c) { return c >= '0' && c <= '7'; };
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto code = text.substr(i + 1, digits);
        if (text[i] == '\\' && code.size() == digits &&
            std::all_of(code.begin(), code.end(), is_octal)) {
            result += static_cast<char>(std::stoi(std::string(code), nullptr, 8));
            i += digits;
        } else {
            result += text[i];
        }
    }
    return result;
}

bool has_option(std::string_view options, std::string_view wanted) {
    const auto all = split(options, ',');
    return std::find(all.begin(), all.end(), wanted) != all.end();
}

bool is_below(const Path& path, const Path& folder) {
    return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first ==
           folder.end();
}

// A line is: ID PARENT DEVICE ROOT POINT OPTIONS TAGS… - TYPE SOURCE OPTIONS
struct Mount {
    Path point;
    FileSystem file_system;
};

std::optional<Mount> mount_in(std::string_view line) {
    constexpr std::size_t point = 4;
    const auto dash = line.find(" - ");
    if (dash == std::string_view::npos)
        return std::nullopt;
    const auto first = split(line.substr(0, dash), ' ');
    const auto second = split(line.substr(dash + 3), ' ');
    if (first.size() <= point + 1 || second.size() < 3)
        return std::nullopt;
    const std::string_view options = first[point + 1];
    return Mount{unescaped(first[point]),
                 {unescaped(second[0]), has_option(options, "ro") || has_option(second[2], "ro"),
                  !has_option(options, "noexec")}};
}

template <std::size_t size>
bool is_one_of(std::string_view type, const std::array<std::string_view, size>& types) {
    return std::find(types.begin(), types.end(), type) != types.end();
}

Fd unnamed_file(const Path& folder) {
    constexpr mode_t mode = 0600;
    return Fd(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, mode));
}

} // namespace

bool FileSystem::is_in_memory() const {
    return is_one_of<2>(type, {"tmpfs", "ramfs"});
}

bool FileSystem::is_remote() const {
    return type.starts_with("fuse.") || type.starts_with("nfs") ||
           is_one_of<9>(type, {"fuse", "cifs", "smb3", "9p", "ceph", "afs", "glusterfs", "lustre",
                               "virtiofs"});
}

std::optional<FileSystem> file_system_in(std::string_view mountinfo, const Path& path) {
    std::optional<Mount> nearest;
    for (const std::string_view line : split(mountinfo, '\n')) {
        auto mount = mount_in(line);
        // Of two at one point, the later one is on top.
        if (mount && is_below(path, mount->point) &&
            (!nearest || is_below(mount->point, nearest->point)))
            nearest = std::move(mount);
    }
    return nearest ? std::optional(nearest->file_system) : std::nullopt;
}

FileSystem file_system_of(const Path& path) {
    constexpr std::uint64_t longest = 16 << 20; // of a host full of containers
    std::error_code error;
    const Path real = std::filesystem::canonical(path, error);
    if (error)
        throw Error(fmt::format("cannot find '{}': {}", path.string(), error.message()));
    const auto found = file_system_in(read_file("/proc/self/mountinfo", longest), real);
    if (!found)
        throw Error(
            fmt::format("/proc/self/mountinfo does not tell what '{}' is on", path.string()));
    return *found;
}

bool can_clone_in(const Path& folder) {
    const Fd from = unnamed_file(folder);
    const Fd to = unnamed_file(folder);
    if (!from || !to)
        return false;
    write_all(from.get(), std::string(4096, 'x'), folder);
    return ::ioctl(to.get(), FICLONE, from.get()) == 0;
}

} // namespace shipit::sys

#include "core/sys/file_system.hpp"

#include "tests/unit/test_folder.hpp"

#include <doctest/doctest.h>

using namespace shipit;
using namespace shipit::sys;
using tests::TestFolder;

namespace {

constexpr const char* mounts =
    "22 1 259:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro\n"
    "30 22 0:26 / /run rw,nosuid,noexec shared:5 - tmpfs tmpfs rw,mode=755\n"
    "31 22 0:40 / /var/lib/big\\040disk rw shared:7 - nfs4 host:/x rw,vers=4.2\n"
    "32 22 8:1 / /broken rw master:2 shared:8 - ext4 /dev/sda1 ro,errors=remount-ro\n"
    "33 22 8:2 / /srv rw - xfs /dev/sdb1 rw\n"
    "34 33 0:50 / /srv ro - overlay overlay rw,lowerdir=/a\n"
    "nonsense\n"
    "35 22 8:3 / /cut rw -\n";

std::string type_of(const char* path) {
    const auto found = file_system_in(mounts, path);
    return found ? found->type : "none";
}

} // namespace

TEST_SUITE_BEGIN("sys: file system");

TEST_CASE("what a path is on is the nearest mount above it, and of two at one point the later") {
    CHECK(type_of("/") == "ext4");
    CHECK(type_of("/runner") == "ext4");
    CHECK(type_of("/run/shipit/blog") == "tmpfs");
    CHECK(type_of("/run") == "tmpfs");
    CHECK(type_of("/var/lib/big disk/apps") == "nfs4");
    CHECK(type_of("/srv/apps") == "overlay");
    CHECK(type_of("/cut/x") == "ext4");
    CHECK_FALSE(file_system_in("", "/"));
    CHECK_FALSE(file_system_in("\\ - \n\\40 - \\4 \\ \\", "/"));
}

TEST_CASE("what a mount forbids is told, whether the mount or its file system says so") {
    CHECK(file_system_in(mounts, "/broken/x")->is_read_only);
    CHECK(file_system_in(mounts, "/srv/x")->is_read_only);
    CHECK_FALSE(file_system_in(mounts, "/x")->is_read_only);
    CHECK_FALSE(file_system_in(mounts, "/run/x")->runs_programs);
    CHECK(file_system_in(mounts, "/x")->runs_programs);
}

TEST_CASE("file systems in memory and on other hosts are known by their types") {
    CHECK(FileSystem{"tmpfs"}.is_in_memory());
    CHECK_FALSE(FileSystem{"ext4"}.is_in_memory());
    for (const char* type : {"nfs", "nfs4", "cifs", "fuse.sshfs", "9p"})
        CHECK(FileSystem{type}.is_remote());
    for (const char* type : {"ext4", "btrfs", "xfs", "fuseblk", "zfs"})
        CHECK_FALSE(FileSystem{type}.is_remote());
}

TEST_CASE(
    "of a folder that is there the file system is found, and trying to clone leaves nothing") {
    const TestFolder folder;
    CHECK_FALSE(file_system_of(folder.path()).type.empty());
    (void)can_clone_in(folder.path());
    CHECK(names_in(folder.path()).empty());
    CHECK_FALSE(can_clone_in(folder / "nowhere"));
    CHECK_THROWS((void)file_system_of(folder / "nowhere"));
}

#include "core/sys/private_folder.hpp"
#include "tests/unit/test_folder.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace shipit;
using namespace shipit::sys;

namespace {

std::string own_prefix() {
    return fmt::format("shipit-unit-private-{}-", ::getpid());
}

void make_old(const Path& folder) {
    const timespec long_ago{1, 0};
    const timespec times[] = {long_ago, long_ago};
    REQUIRE(::utimensat(AT_FDCWD, folder.c_str(), times, 0) == 0);
}

} // namespace

TEST_SUITE_BEGIN("sys: private folder");

TEST_CASE("a private folder is its owner's alone, and gone with what is in it") {
    const tests::TestFolder otherwise;
    Path path;
    {
        const PrivateFolder folder(own_prefix(), otherwise.path());
        path = folder.path();
        struct stat status {};
        REQUIRE(::stat(path.c_str(), &status) == 0);
        CHECK((status.st_mode & 07777) == 0700);
        replace(path / "secret", "x", 0600);
    }
    CHECK_FALSE(is_there(path));
}

TEST_CASE("what a killed process left goes, and what somebody still uses stays") {
    const tests::TestFolder otherwise;
    const PrivateFolder used(own_prefix(), otherwise.path());
    make_old(used.path());
    TempFolder left(used.path().parent_path(), own_prefix());
    const Path left_path = left.path();
    left.keep();
    replace(left_path / "secret", "x", 0600);
    {
        const PrivateFolder next(own_prefix(), otherwise.path());
        CHECK(is_there(left_path)); // it may just have been made, and not be locked yet
    }
    make_old(left_path);
    const PrivateFolder next(own_prefix(), otherwise.path());
    CHECK_FALSE(is_there(left_path));
    CHECK(is_there(used.path()));
}

TEST_SUITE_END();

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
    TempFolder left(used.path().parent_path(), own_prefix());
    const Path left_path = left.path();
    left.keep();
    replace(left_path / "secret", "x", 0600);
    const PrivateFolder next(own_prefix(), otherwise.path());
    CHECK_FALSE(is_there(left_path));
    CHECK(is_there(used.path()));
}

TEST_CASE(
    "a temporary folder is its maker's for as long as he lives, and then anybody's to remove") {
    const tests::TestFolder here;
    Path path;
    {
        const TempFolder folder(here.path(), ".build-");
        path = folder.path();
        CHECK_FALSE(remove_if_abandoned(path));
        CHECK(is_there(path));
    }
    CHECK_FALSE(is_there(path));
    TempFolder left(here.path(), ".build-");
    path = left.path();
    left.keep(); // as who was killed leaves it
    CHECK(remove_if_abandoned(path));
    CHECK_FALSE(is_there(path));
}

TEST_SUITE_END();

#include "core/base/error.hpp"
#include "core/deploy/shared.hpp"
#include "tests/unit/test_folder.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

using namespace shipit;
using namespace shipit::deploy;

TEST_SUITE_BEGIN("deploy: shared");

TEST_CASE("a shared folder is the same one from every tree") {
    const tests::TestFolder app;
    for (const char* tree : {"trees/one", "trees/two"}) {
        sys::make_folders(app / tree, 0755);
        link_shared(app / tree, app / "shared", {"media", "var/log"}, std::nullopt);
        link_shared(app / tree, app / "shared", {"media", "var/log"}, std::nullopt);
    }
    sys::replace_durably(app / "trees/one/var/log/a.log", "x", 0600);
    CHECK(sys::read_file(app / "trees/two/var/log/a.log") == "x");
    CHECK(sys::link_target(app / "trees/two/media") == "../../shared/media");
}

TEST_CASE("what the slug has by the name of a shared folder gives way") {
    const tests::TestFolder app;
    sys::make_folders(app / "trees/one/media", 0755);
    sys::replace_durably(app / "trees/one/media/.gitkeep", "", 0644);
    link_shared(app / "trees/one", app / "shared", {"media"}, std::nullopt);
    CHECK(sys::names_in(app / "trees/one/media").empty());
}

TEST_CASE("a symlink that the app put in the place of a shared folder is not followed") {
    const tests::TestFolder app;
    sys::make_folders(app / "trees/one", 0755);
    sys::make_folders(app / "outside", 0755);
    sys::make_folders(app / "shared", 0755);
    REQUIRE(::symlink("../outside", (app / "shared/var").c_str()) == 0);
    CHECK_THROWS_AS(link_shared(app / "trees/one", app / "shared", {"var/log"}, std::nullopt),
                    Error);
    CHECK(sys::names_in(app / "outside").empty());
}

TEST_CASE("a symlink of the build is not followed to where a shared folder would be") {
    const tests::TestFolder app;
    sys::make_folders(app / "trees/one", 0755);
    sys::make_folders(app / "outside/uploads", 0755);
    sys::replace_durably(app / "outside/uploads/photo", "x", 0600);
    REQUIRE(::symlink("../../outside", (app / "trees/one/media").c_str()) == 0);
    CHECK_THROWS_AS(link_shared(app / "trees/one", app / "shared", {"media/uploads"}, std::nullopt),
                    Error);
    CHECK(sys::read_file(app / "outside/uploads/photo") == "x");
}

TEST_SUITE_END();

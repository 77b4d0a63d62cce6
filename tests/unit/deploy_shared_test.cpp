#include "core/base/error.hpp"
#include "core/deploy/shared.hpp"
#include "tests/unit/test_folder.hpp"

#include <functional>

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

using namespace shipit;
using namespace shipit::deploy;

namespace {

// Of a tree that has nothing but what the slug has.
void link_shared(const sys::Path& tree, const sys::Path& shared,
                 const std::vector<std::string>& paths) {
    TreeContent content;
    content.other = [](const std::string&) { return std::nullopt; };
    content.stop_command = "shipit -a blog stop";
    link_shared(tree, shared, paths, std::nullopt, content);
}

std::string why_refused(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        CHECK(error.outcome() == Outcome::usage);
        return error.why() + " " + error.next();
    }
    return "";
}

} // namespace

TEST_SUITE_BEGIN("deploy: shared");

TEST_CASE("a shared folder is the same one from every tree") {
    const tests::TestFolder app;
    for (const char* tree : {"trees/one", "trees/two"}) {
        sys::make_folders(app / tree, 0755);
        link_shared(app / tree, app / "shared", {"media", "var/log"});
        link_shared(app / tree, app / "shared", {"media", "var/log"});
    }
    sys::replace_durably(app / "trees/one/var/log/a.log", "x", 0600);
    CHECK(sys::read_file(app / "trees/two/var/log/a.log") == "x");
    CHECK(sys::link_target(app / "trees/two/media") == "../../shared/media");
}

TEST_CASE("what the slug has by the name of a shared folder gives way") {
    const tests::TestFolder app;
    sys::make_folders(app / "trees/one/media", 0755);
    sys::replace_durably(app / "trees/one/media/.gitkeep", "", 0644);
    link_shared(app / "trees/one", app / "shared", {"media"});
    CHECK(sys::names_in(app / "trees/one/media").empty());
}

TEST_CASE("a symlink that the app put in the place of a shared folder is not followed") {
    const tests::TestFolder app;
    sys::make_folders(app / "trees/one", 0755);
    sys::make_folders(app / "outside", 0755);
    sys::make_folders(app / "shared", 0755);
    REQUIRE(::symlink("../outside", (app / "shared/var").c_str()) == 0);
    CHECK_THROWS_AS(link_shared(app / "trees/one", app / "shared", {"var/log"}), Error);
    CHECK(sys::names_in(app / "outside").empty());
}

TEST_CASE("a symlink of the build is not followed to where a shared folder would be") {
    const tests::TestFolder app;
    sys::make_folders(app / "trees/one", 0755);
    sys::make_folders(app / "outside/uploads", 0755);
    sys::replace_durably(app / "outside/uploads/photo", "x", 0600);
    REQUIRE(::symlink("../../outside", (app / "trees/one/media").c_str()) == 0);
    CHECK_THROWS_AS(link_shared(app / "trees/one", app / "shared", {"media/uploads"}), Error);
    CHECK(sys::read_file(app / "outside/uploads/photo") == "x");
}

TEST_CASE("a file that is in shared is linked as a file, in the place of the build's") {
    const tests::TestFolder app;
    sys::make_folders(app / "trees/one", 0755);
    sys::make_folders(app / "shared/var", 0755);
    sys::replace_durably(app / "trees/one/db.sqlite3", "the build's", 0644);
    sys::replace_durably(app / "shared/db.sqlite3", "rows", 0600);
    sys::replace_durably(app / "shared/var/.env", "KEY", 0600);
    for (int again = 0; again < 2; again++)
        link_shared(app / "trees/one", app / "shared", {"db.sqlite3", "var/.env"});
    CHECK(sys::link_target(app / "trees/one/db.sqlite3") == "../../shared/db.sqlite3");
    CHECK(sys::read_file(app / "trees/one/db.sqlite3") == "rows");
    CHECK(sys::read_file(app / "trees/one/var/.env") == "KEY");
}

TEST_CASE("a file of the build becomes no folder: it is refused, and the way out is told") {
    const tests::TestFolder app;
    sys::make_folders(app / "trees/one", 0755);
    sys::replace_durably(app / "trees/one/db.sqlite3", "the build's", 0644);
    const auto why = why_refused([&] {
        link_shared(app / "trees/one", app / "shared", {"media", "db.sqlite3"});
    });
    CHECK(why.find("app.shared has 'db.sqlite3', which is a file in the build: name the folder it "
                   "is in, or put the file into '" +
                   (app / "shared").string() + "' first") == 0);
    CHECK(why.find("shipit -a blog stop && mv -T") != std::string::npos);
    CHECK(sys::read_file(app / "trees/one/db.sqlite3") == "the build's");
    CHECK(sys::names_in(app / "trees/one") == std::vector<std::string>{"db.sqlite3"});
    CHECK(sys::names_in(app / "shared").empty());
}

TEST_CASE("a file of what is live becomes no folder, though it is as the slug has it") {
    const tests::TestFolder app;
    sys::make_folders(app / "trees/live", 0755);
    sys::make_folders(app / "trees/next", 0755);
    sys::replace_durably(app / "trees/live/db.sqlite3", "rows", 0644);
    TreeContent content;
    content.other = content.other_in_live = [](const std::string&) { return std::nullopt; };
    content.live = app / "trees/live";
    content.stop_command = "shipit -a blog stop";
    const auto why = [&] {
        return why_refused([&] {
            link_shared(app / "trees/next", app / "shared", {"db.sqlite3"}, std::nullopt, content);
        });
    };
    const auto from = (app / "trees/live/db.sqlite3").string();
    const auto to = (app / "shared/db.sqlite3").string();
    CHECK(why().find("'db.sqlite3', which is a file in what is live") != std::string::npos);
    CHECK(why().ends_with("stop && mv -T " + from + " " + to + "; and this again"));
    CHECK(sys::names_in(app / "shared").empty());
    SUBCASE("an empty folder that stands in its way is to go first") {
        sys::make_folders(app / "shared/db.sqlite3", 0755);
        CHECK(why().ends_with("stop && rmdir " + to + " && mv -T " + from + " " + to +
                              "; and this again"));
    }
}

TEST_CASE("a file that is left out of a slug becomes no folder: it is refused, and what to begin "
          "with is told") {
    const tests::TestFolder app;
    sys::make_folders(app / "trees/live", 0755);
    LeftOut build{[](const std::string& path) { return path == "var/.env"; }, app / "build"};
    const auto why = [&] {
        return why_refused([&] {
            refuse_files_left_out(build, app / "shared", {"media", "var/.env"}, app / "trees/live",
                                  "shipit -a blog stop");
        });
    };
    const auto var = (app / "shared/var").string();
    CHECK(why().find("'var/.env', which is a file in the build") != std::string::npos);
    CHECK(why().ends_with("mkdir -p " + var + " && cp -T " + (app / "build/var/.env").string() +
                          " " + var + "/.env; and this again"));
    SUBCASE("which is the live release's, if that has one") {
        sys::make_folders(app / "trees/live/var", 0755);
        sys::replace_durably(app / "trees/live/var/.env", "KEY", 0600);
        CHECK(why().find("mv -T " + (app / "trees/live/var/.env").string()) != std::string::npos);
    }
    SUBCASE("but for an archive, whose files are nowhere") {
        build.folder.clear();
        CHECK(why().find("cp -T") == std::string::npos);
    }
    SUBCASE("once it is in shared, all is well") {
        sys::make_folders(app / "shared/var", 0755);
        sys::replace_durably(app / "shared/var/.env", "KEY", 0600);
        CHECK(why().empty());
    }
}

TEST_CASE("where the folder that data is to move into is not there yet, it is told to be made") {
    const tests::TestFolder app;
    sys::make_folders(app / "trees/one/var", 0755);
    sys::replace_durably(app / "trees/one/var/db", "rows", 0644);
    const auto why =
        why_refused([&] { link_shared(app / "trees/one", app / "shared", {"var/db"}); });
    CHECK(why.find("mkdir -p " + (app / "shared/var").string() + " && mv -T ") !=
          std::string::npos);
}

TEST_CASE("what root reads of a release can be no file that the app may write") {
    const tests::TestFolder app;
    sys::make_folders(app / "trees/one", 0755);
    sys::make_folders(app / "shared", 0755);
    sys::replace_durably(app / "shared/shipit.toml", "", 0644);
    CHECK(why_refused([&] {
              link_shared(app / "trees/one", app / "shared", {"shipit.toml"});
          }).find("which shipit reads") != std::string::npos);
}

TEST_CASE(
    "a symlink that the app put in the place of a shared file is neither linked nor followed") {
    const tests::TestFolder app;
    sys::make_folders(app / "trees/one", 0755);
    sys::make_folders(app / "shared/var", 0755);
    sys::replace_durably(app / "secret", "root's", 0600);
    REQUIRE(::symlink("../../secret", (app / "shared/var/db").c_str()) == 0);
    CHECK_THROWS_AS(link_shared(app / "trees/one", app / "shared", {"var/db"}), Error);
    CHECK_FALSE(sys::is_there(app / "trees/one/var/db"));
}

TEST_CASE("what the app wrote where a shared folder is to be is not put out of its reach") {
    const tests::TestFolder app;
    for (const char* tree : {"trees/one/data", "trees/two/data"})
        sys::make_folders(app / tree, 0755);
    sys::replace_durably(app / "trees/one/data/db.sqlite3", "rows", 0644);
    std::vector<std::string> kept;
    TreeContent content;
    content.other = [&](const std::string& path) {
        return path == "data" ? std::optional<std::string>("data/db.sqlite3") : std::nullopt;
    };
    content.keep = [&](const std::string& path) { kept.push_back(path); };
    const auto link = [&](const char* tree) {
        link_shared(app / tree, app / "shared", {"data"}, std::nullopt, content);
    };
    const auto way =
        "mv -T " + (app / "trees/one/data").string() + " " + (app / "shared/data").string();
    SUBCASE("in the tree itself") {
        const auto why = why_refused([&] { link("trees/one"); });
        CHECK(why.find("'data/db.sqlite3' is not in the build") != std::string::npos);
        CHECK(why.find(way) != std::string::npos);
    }
    SUBCASE("in that of what is live, while another one is prepared") {
        content.live = app / "trees/one";
        content.other_in_live = content.other;
        content.other = [](const std::string&) { return std::nullopt; };
        CHECK(why_refused([&] { link("trees/two"); }).find(way) != std::string::npos);
    }
    SUBCASE("but kept, once there is something in the shared one") {
        sys::make_folders(app / "shared/data", 0755);
        sys::replace_durably(app / "shared/data/db.sqlite3", "copied", 0644);
        link("trees/one");
        CHECK(kept == std::vector<std::string>{"data"});
        CHECK(sys::read_file(app / "trees/one/data/db.sqlite3") == "copied");
        return;
    }
    CHECK(kept.empty());
    CHECK(sys::read_file(app / "trees/one/data/db.sqlite3") == "rows");
}

TEST_CASE("a shared folder that belongs to somebody else is closed, unless its mode opens it") {
    const tests::TestFolder app;
    for (const char* path : {"own", "others", "groups", "open"})
        sys::make_folders(app / "shared" / path, 0750);
    REQUIRE(::chmod((app / "shared/groups").c_str(), 0770) == 0);
    REQUIRE(::chmod((app / "shared/open").c_str(), 0777) == 0);
    sys::Account account = sys::own_account();
    const std::vector<std::string> all = {"own", "others", "groups", "open", "absent"};
    CHECK(closed_to(account, app / "shared", all).empty());
    const uid_t owner = account.uid;
    account.uid = owner + 1;
    const auto closed = closed_to(account, app / "shared", all);
    REQUIRE(closed.size() == 2);
    CHECK(closed[0].path == "own");
    CHECK(closed[0].owner == owner);
}

TEST_SUITE_END();

#include "core/release/layout.hpp"

#include "core/base/error.hpp"
#include "core/sys/account.hpp"
#include "tests/unit/test_folder.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

#include <unistd.h>

using namespace shipit;
using namespace shipit::release;
using shipit::tests::TestFolder;

namespace {

constexpr const char* some_digits = "0123456789abcdef0123456789abcdef";

Layout blog_in(const sys::Path& root) {
    return {root, AppName::parse("blog")};
}

// Sets a variable of the environment for one test.
class Variable {
  public:
    Variable(const char* name, const char* value) : m_name(name) {
        if (const char* old = std::getenv(name))
            m_old = old;
        if (value != nullptr)
            ::setenv(name, value, 1);
        else
            ::unsetenv(name);
    }
    ~Variable() {
        if (m_old)
            ::setenv(m_name, m_old->c_str(), 1);
        else
            ::unsetenv(m_name);
    }
    Variable(const Variable&) = delete;
    Variable& operator=(const Variable&) = delete;

  private:
    const char* m_name;
    std::optional<std::string> m_old;
};

} // namespace

TEST_SUITE_BEGIN("release: layout");

TEST_CASE("names of files are read back as they were made") {
    const Layout layout = blog_in("/srv");
    const ReleaseNumber number(12);
    const auto id = *SlugId::parse(some_digits);
    CHECK(layout.manifest(number) == "/srv/blog/releases/v12.toml");
    CHECK(manifest_number(layout.manifest(number).filename().string()) == number);
    CHECK(transcript_number(layout.transcript(number).filename().string()) == number);
    CHECK(link_number(layout.release_link(number).filename().string()) == number);
    CHECK(slug_in(layout.slug(id).filename().string()) == id);
    CHECK(current_number(current_target(number)) == number);
    CHECK(release_tree(release_target(id)) == id);
    CHECK(layout.current().parent_path() / current_target(number) == layout.release_link(number));
    CHECK((layout.releases() / release_target(id)).lexically_normal() == layout.tree(id));
}

TEST_CASE("junk is no name of ours") {
    for (const char* name :
         {"", "v", "v.toml", "v0.toml", "v01.toml", "v-1.toml", "v1.toml~", "1.toml", "V1.toml",
          "vv1.toml", ".new-v1.toml-abcdef", "v1.TOML", "v1 .toml", "v18446744073709551616.toml",
          "v1000000000000001.toml", "v99999999999999999999999.toml", "v1.toml.toml", "v1e3.toml"})
        CHECK_MESSAGE(!manifest_number(name), name);
    CHECK(manifest_number("v1000000000000000.toml"));
    for (const char* name :
         {"0123456789abcdef0123456789abcde.tar.zst", ".tar.zst", "x.tar.zst",
          "0123456789ABCDEF0123456789ABCDEF.tar.zst", "0123456789abcdef0123456789abcdef.tar",
          "0123456789abcdef0123456789abcdef.tar.zst.part"})
        CHECK_MESSAGE(!slug_in(name), name);
    for (const char* target : {"", "releases/", "releases/v", "releases/v0", "/releases/v1",
                               "releases/v1/", "releases/v1/..", "../blog/releases/v1", "v1"})
        CHECK_MESSAGE(!current_number(target), target);
    for (const char* target : {"../trees/", "../trees/..", "../trees/x", "/etc"})
        CHECK_MESSAGE(!release_tree(target), target);
}

TEST_CASE("SHIPIT_ROOT chooses the root, and relative values are made absolute") {
    const Variable root("SHIPIT_ROOT", "/tmp/a/../b/");
    CHECK(default_root() == "/tmp/b/");
    const Variable relative("SHIPIT_ROOT", "here");
    CHECK(default_root() == std::filesystem::current_path() / "here");
}

TEST_CASE("without SHIPIT_ROOT, root has a root of its own, and XDG_DATA_HOME counts if absolute") {
    const Variable none("SHIPIT_ROOT", nullptr);
    const Variable data("XDG_DATA_HOME", "/data");
    if (::geteuid() == 0) {
        CHECK(default_root() == "/var/lib/shipit");
        return;
    }
    CHECK(default_root() == "/data/shipit");
    const Variable relative("XDG_DATA_HOME", "data");
    const Variable home("HOME", "/home/me");
    CHECK(default_root() == "/home/me/.local/share/shipit");
}

TEST_CASE("an app under a root of somebody's choice has its run folder beside its data") {
    CHECK(blog_in("/srv/apps").run_folder() == "/srv/apps/blog/run");
}

TEST_CASE("an app under root's default root has its run folder where run folders are") {
    const Variable none("SHIPIT_ROOT", nullptr);
    if (::geteuid() == 0)
        CHECK(blog_in(default_root()).run_folder() == "/run/shipit/blog");
}

TEST_CASE("a user's run folder is where a supervisor was, and beside the data before one was") {
    if (::geteuid() == 0 || sys::lingers(sys::own_account()))
        return; // theirs is where it is
    const TestFolder data;
    const TestFolder runtime;
    const Variable none("SHIPIT_ROOT", nullptr);
    const Variable home("XDG_DATA_HOME", data.path().c_str());
    const Variable its("XDG_RUNTIME_DIR", runtime.path().c_str());
    const Layout layout = blog_in(default_root());
    CHECK(layout.run_folder() == layout.folder() / "run");
    const Path there = runtime / "shipit/blog";
    sys::make_folders(there, 0700);
    sys::replace_durably(there / "supervisor.lock", "", 0600);
    CHECK(layout.run_folder() == there);
    sys::make_folders(layout.folder() / "run", 0700);
    sys::replace_durably(layout.folder() / "run/supervisor.lock", "", 0600);
    CHECK(layout.run_folder() == layout.folder() / "run");
}

TEST_CASE("apps are folders that have releases") {
    const TestFolder root;
    CHECK(apps_in(root / "nowhere").empty());
    make_app_folders(blog_in(root.path()));
    make_app_folders(blog_in(root.path())); // again, harmlessly
    sys::make_folders(root / "empty", 0755);
    sys::make_folders(root / "Not A Name/releases", 0755);
    CHECK(apps_in(root.path()) == std::vector<AppName>{AppName::parse("blog")});
    CHECK(is_app(blog_in(root.path())));
    std::filesystem::create_directory_symlink(root.path(), root / "link"); // to a bigger disk, say
    CHECK(apps_in(root / "link").size() == 1);
}

TEST_CASE("an app whose making was cut short is none, and can be made again") {
    const TestFolder root;
    const Layout layout = blog_in(root.path());
    sys::make_folders(layout.folder(), 0755);
    sys::replace_durably(layout.marks(), "in the way", 0600); // instead of a kill
    CHECK_THROWS_AS(make_app_folders(layout), Error);
    CHECK_FALSE(is_app(layout));
    sys::remove_file(layout.marks());
    make_app_folders(layout);
    CHECK(is_app(layout));
}

#include "core/config/host_settings.hpp"

#include "core/base/error.hpp"
#include "core/config/settings.hpp"
#include "tests/unit/test_folder.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>

using namespace shipit;
using namespace shipit::config;
using shipit::tests::TestFolder;

namespace {

std::string complaint(const sys::Path& file, const std::vector<std::string>& assignments) {
    try {
        (void)set_keys(file, assignments);
    } catch (const Error& error) {
        CHECK(error.outcome() == Outcome::usage);
        return error.why() + " | " + error.next();
    }
    return "none";
}

Settings host_settings(const sys::Path& file) {
    Sources sources;
    sources.build_toml = "[processes]\nweb = 'run'\n";
    sources.host_toml = sys::read_file(file);
    return load(sources);
}

} // namespace

TEST_SUITE_BEGIN("config: host settings");

TEST_CASE("keys that are set are read back as settings") {
    const TestFolder folder;
    const auto file = folder / "app.toml";
    set_keys(file, {"app.port=80", "app.user=www-data", "app.shared=media, var/log",
                    "processes.web.count=3", "retention.max_size=5G", "health.timeout=90s",
                    "health.command=curl \"x\" | grep 'a=b'"});
    const Settings settings = host_settings(file);
    CHECK(settings.app.port == 80);
    CHECK(settings.app.user == "www-data");
    CHECK(settings.app.shared == std::vector<std::string>{"media", "var/log"});
    CHECK(settings.spec.processes.at(0).count == 3);
    CHECK(settings.retention.max_size == 5ULL << 30);
    CHECK(settings.spec.health.timeout == std::chrono::seconds(90));
    CHECK(settings.spec.health.command == "curl \"x\" | grep 'a=b'");
}

TEST_CASE("nobody else can read the settings, where hooks and reloads may have tokens in them") {
    const TestFolder folder;
    const auto file = folder / "app.toml";
    SUBCASE("where there were none") {}
    SUBCASE("where an earlier shipit has made them readable for all") {
        sys::replace_durably(file, "[app]\nport = 80\n", 0644);
    }
    set_keys(file, {"app.reload=curl -H 'Authorization: token' example.org"});
    struct stat status {};
    REQUIRE(::stat(file.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);
}

TEST_CASE("a setting that is yes or no is typed as such") {
    const TestFolder folder;
    const auto file = folder / "app.toml";
    set_keys(file, {"slug.outside_links=true"});
    CHECK(host_settings(file).archive_limits.outside_links);
    CHECK(sys::read_file(file).find("outside_links = true") != std::string::npos);
    set_keys(file, {"slug.outside_links=no"});
    CHECK_FALSE(host_settings(file).archive_limits.outside_links);
    CHECK(host_values(file).at(0).second == "false");
    CHECK(complaint(file, {"slug.outside_links=maybe"}) ==
          "'slug.outside_links' must be true or false, not 'maybe' | ");
    CHECK(complaint(file, {"slug.max_entries=0"}) ==
          "'slug.max_entries' must be at least 1, not 0 | ");
    CHECK(complaint(file, {"slug.max_entries=many"}) ==
          "'slug.max_entries' must be a whole number of at least 1, not 'many' | ");
}

TEST_CASE("what is there stays, and what changed is told") {
    const TestFolder folder;
    const auto file = folder / "app.toml";
    sys::replace_durably(file, "[app]\nport = 8000 # mine\nuser = 'alice'\n", 0644);
    const auto changes = set_keys(file, {"app.port=9000", "app.user=", "retention.keep=3"});
    REQUIRE(changes.size() == 3);
    CHECK(changes[0].key == "app.port");
    CHECK(changes[0].before == "8000");
    CHECK(changes[0].after == "9000");
    CHECK_FALSE(changes[1].after);
    CHECK_FALSE(changes[2].before);
    using Pairs = std::vector<std::pair<std::string, std::string>>;
    CHECK(host_values(file) == Pairs{{"app.port", "9000"}, {"retention.keep", "3"}});
    CHECK(sys::read_file(file).rfind("# ", 0) == 0);
}

TEST_CASE("setting what is set already does not touch the file") {
    const TestFolder folder;
    const auto file = folder / "app.toml";
    sys::replace_durably(file, "[app]\nport = 8000 # mine\n", 0644);
    CHECK(set_keys(file, {"app.port=8000"}).empty());
    CHECK(sys::read_file(file).find("# mine") != std::string::npos);
    CHECK(set_keys(folder / "none.toml", {"app.port="}).empty());
    CHECK_FALSE(sys::is_there(folder / "none.toml"));
}

TEST_CASE("choosing one health check removes the other") {
    const TestFolder folder;
    const auto file = folder / "app.toml";
    set_keys(file, {"health.path=/up"});
    set_keys(file, {"health.command=check"});
    CHECK(host_settings(file).spec.health.path.empty());
}

TEST_CASE("an assignment that is wrong changes nothing and says what was meant") {
    const TestFolder folder;
    const auto file = folder / "app.toml";
    set_keys(file, {"app.port=8000"});
    const auto before = sys::read_file(file);
    const std::vector<std::pair<std::string, std::string>> table = {
        {"app.prot=1", "unknown key 'app.prot' | did you mean 'app.port'?"},
        {"scale.web=2", "unknown key 'scale.web' | did you mean 'processes.web.count'?"},
        {"processes.*.count=2", "unknown key 'processes.*.count' | "},
        {"processes.a b.count=2", "unknown key 'processes.a b.count' | "},
        {"\x1b[2J=1", "unknown key '\\x1b[2J' | "},
        {"app.port", "'app.port' is not KEY=VALUE | "},
        {"=1", "unknown key '' | "},
        {"app.port=70000", "'app.port' must be from 1 to 65535, not 70000 | "},
        {"app.port=80x", "'app.port' must be a whole number from 1 to 65535, not '80x' | "},
        {"app.port= 80", "'app.port' must be a whole number from 1 to 65535, not ' 80' | "},
        {"health.timeout=30", "'health.timeout' must be a duration like"},
        {"retention.max_size=big", "'retention.max_size' must be a size like"},
        {"app.shared=a,,b", "'app.shared' must hold relative paths"},
        {"app.shared=../a", "'app.shared' must hold relative paths"},
        {"app.user=\xff", "'app.user' must be UTF-8 text | "},
        {"name=blog", "the name of an app cannot be set"},
        {"processes.release.command=x", "'release' is no process type | "},
    };
    for (const auto& [assignment, expected] : table) {
        const auto text = complaint(file, {"retention.keep=7", assignment});
        CHECK_MESSAGE(text.rfind(expected, 0) == 0, text);
        CHECK(sys::read_file(file) == before);
    }
}

TEST_CASE("an app.toml that is wrong already is named, not overwritten") {
    const TestFolder folder;
    const auto file = folder / "app.toml";
    sys::replace_durably(file, "[app]\nprot = 1\n", 0644);
    CHECK(complaint(file, {"app.port=1"}).find("app.toml:2:1: unknown key 'app.prot'") !=
          std::string::npos);
    CHECK(sys::read_file(file) == "[app]\nprot = 1\n");
}

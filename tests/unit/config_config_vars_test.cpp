#include "core/config/config_vars.hpp"

#include "core/base/error.hpp"
#include "tests/unit/test_folder.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>

using namespace shipit;
using namespace shipit::config;
using shipit::tests::TestFolder;

namespace {

template <class Action>
std::string complaint_when(Action&& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.why() + " | " + error.next();
    }
    return "none";
}

} // namespace

TEST_SUITE_BEGIN("config: config vars");

TEST_CASE("values come back byte for byte, from a file that only its owner reads") {
    const TestFolder folder;
    const auto file = folder / "config.toml";
    std::string every_byte;
    for (char c = 1; c != 127; ++c)
        every_byte += c;
    const ConfigVars vars = {
        {"EMPTY", ""},
        {"QUOTES", "'\"\"\"\\ ''' $HOME `x`"},
        {"LINES", "a\nb\r\nc\n"},
        {"BYTES", every_byte + "\x7f"},
        {"_lower", "ÄÖ \xF0\x9F\x9A\x80 " + std::string{'\xE2', '\x80', '\xAE'}}};
    save_config(file, vars);
    CHECK(load_config(file) == vars);
    struct stat status {};
    REQUIRE(::stat(file.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);
}

TEST_CASE("an app without a config file has no config vars") {
    const TestFolder folder;
    CHECK(load_config(folder / "config.toml").empty());
}

TEST_CASE("assignments are taken all or none, whatever the value holds") {
    using From = Assignment::From;
    const std::vector<Assignment> expected = {{From::word, "A", "1"}, {From::word, "B", "x y"},
                                              {From::word, "C", ""},  {From::word, "D", "a=b=c@d"},
                                              {From::file, "E", "-"}, {From::file, "F", "/a=b@c"}};
    CHECK(parse_assignments({"A=1", "B=x y", "C=", "D=a=b=c@d", "E@-", "F@/a=b@c"}) == expected);
    const std::vector<std::pair<std::string, std::string>> table = {
        {"secret", "argument 2 is not NAME=VALUE"},
        {"1A=secret", "'1A' is not a name"},
        {"=secret", "'' is not a name"},
        {"@secret", "'' is not a name"},
        {"A B=secret", "'A B' is not a name"},
        {"A\n=secret", "'A\\n' is not a name"},
        {"Ä=secret", "'Ä' is not a name"},
        {"PORT=secret", "'PORT' is set by shipit | to choose the port"},
        {"PORT@secret", "'PORT' is set by shipit | to choose the port"},
        {"SHIPIT_RELEASE=secret", "'SHIPIT_RELEASE' is not yours to set"},
        {"OK=secret", "'OK' is given twice"},
        {"OK@secret", "'OK' is given twice"},
    };
    for (const auto& [assignment, expected_text] : table) {
        const auto text = complaint_when([&, &given = assignment] {
            (void)parse_assignments({"OK=1", given});
        });
        CHECK_MESSAGE(text.rfind(expected_text, 0) == 0, text);
        CHECK(text.find("secret") == std::string::npos);
    }
}

TEST_CASE("a value that no environment could hold is refused without being shown") {
    const std::vector<std::pair<std::string, std::string>> table = {
        {std::string("secret\0x", 8), "the value of 'A' holds a NUL character"},
        {"secret\xff", "the value of 'A' is not UTF-8"},
        {"secret" + std::string(128 << 10, 'x'), "the value of 'A' is 128 KB long"},
    };
    for (const auto& [value, expected] : table) {
        const auto text = complaint_when([&, &given = value] { check_value("A", given); });
        CHECK_MESSAGE(text.rfind(expected, 0) == 0, text);
        CHECK(text.find("secret") == std::string::npos);
    }
}

TEST_CASE("a value of the longest length is taken") {
    constexpr std::size_t longest = (128 << 10) - 3; // "A=" before it and NUL behind
    CHECK_NOTHROW(check_value("A", std::string(longest, 'x')));
    CHECK_THROWS_AS(check_value("A", std::string(longest + 1, 'x')), Error);
}

TEST_CASE("config vars that no manifest could hold are refused before anything is written") {
    const TestFolder folder;
    ConfigVars vars;
    for (int i = 0; i < 20; ++i)
        vars.emplace("A" + std::to_string(i), std::string(60 << 10, 'x'));
    CHECK(complaint_when([&] { save_config(folder / "config.toml", vars); }).find("together") !=
          std::string::npos);
    CHECK_FALSE(sys::is_there(folder / "config.toml"));
}

TEST_CASE("a damaged file is told with its place and without what it holds") {
    const TestFolder folder;
    const auto file = folder / "config.toml";
    for (const char* text : {"schema = 1\n[config]\nA = trueSECRET\n", "[config]\nA = \"SECRET\n",
                             "[config]\nA = ['SECRET']\n", "[config]\nSECRET\n",
                             "[config]\n'SECRET X' = '1'\n", "[SECRET]\n", "schema = 2\n"}) {
        sys::replace_durably(file, text, 0600);
        const auto told = complaint_when([&] { (void)load_config(file); });
        CHECK_MESSAGE(told.find("config.toml") != std::string::npos, told);
        CHECK(told.find("SECRET") == std::string::npos);
    }
    sys::replace_durably(file, "[config]\nA = \"SECRET\n", 0600);
    CHECK(complaint_when([&] { (void)load_config(file); }).find("config.toml:2:") !=
          std::string::npos);
}

TEST_CASE("a config file that is a folder or a FIFO is refused, not waited for") {
    const TestFolder folder;
    REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
    CHECK_THROWS_AS((void)load_config(folder / "fifo"), Error);
    CHECK_THROWS_AS((void)load_config(folder.path()), Error);
}

TEST_CASE("releases of config vars are described in Heroku's words") {
    CHECK(change_description({"FOO", "BAR"}, {}) == "Set FOO, BAR config vars");
    CHECK(change_description({}, {"FOO"}) == "Unset FOO config vars");
    CHECK(change_description({"FOO"}, {"BAR", "BAZ"}) == "Set FOO, unset BAR, BAZ config vars");
}

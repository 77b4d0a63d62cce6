#include "core/base/toml.hpp"

#include <doctest/doctest.h>

using namespace shipit;
using namespace std::chrono_literals;

namespace {

std::string complaint_of(const std::string& text, void (*read)(const TomlTable&)) {
    try {
        read(TomlTable::parse(text, "shipit.toml"));
    } catch (const Error& error) {
        CHECK(error.outcome() == Outcome::usage);
        return error.why() + " | " + error.next();
    }
    return "none";
}

} // namespace

TEST_SUITE_BEGIN("base: TOML");

TEST_CASE("values are read by type") {
    const auto root =
        TomlTable::parse("name = 'blog'\n[health]\ntimeout = '30s'\npasses = 3\n"
                         "[app]\nshared = ['media', 'log']\n[retention]\nmax_size = '5G'\n",
                         "shipit.toml");
    CHECK(root.string("name") == "blog");
    CHECK(root.table("health")->duration("timeout") == 30s);
    CHECK(root.table("health")->integer("passes", 1, 10) == 3);
    CHECK(root.table("app")->strings("shared") == std::vector<std::string>{"media", "log"});
    CHECK(root.table("retention")->size("max_size") == 5ULL << 30);
    CHECK_FALSE(root.string("absent").has_value());
}

TEST_CASE("an unknown key is named with file, line, column and what was meant") {
    CHECK(complaint_of("[health]\npath = '/'\ntimout = '3s'\n", [](const TomlTable& root) {
              const auto health = root.table("health");
              (void)health->string("path");
              (void)health->duration("timeout");
              root.finish();
          }) == "shipit.toml:3:1: unknown key 'health.timout' | did you mean 'health.timeout'?");
}

TEST_CASE("a wrong type is named with what was expected") {
    CHECK(complaint_of("[app]\nport = 70000\n", [](const TomlTable& root) {
              (void)root.table("app")->integer("port", 1, 65535);
          }) == "shipit.toml:2:8: 'app.port' must be from 1 to 65535, not 70000 | ");
    CHECK(complaint_of("[health]\ntimeout = 30\n", [](const TomlTable& root) {
              (void)root.table("health")->duration("timeout");
          }).find("'health.timeout' must be a duration") != std::string::npos);
}

TEST_CASE("a syntax error is named with line and column") {
    for (const char* broken : {"b = \n", "[", "[\n", "[[", "[a", "[a.\n", "[=]\n", "=", "\"",
                               "b = [", "b = {", "b = {,}\n", "b = '\n", "b.\n"}) {
        INFO(broken);
        CHECK(complaint_of(std::string("a = 1\n") + broken, [](const TomlTable&) {
              }).rfind("shipit.toml:", 0) == 0);
    }
}

TEST_CASE("a key of very many parts is refused before it can overflow the stack") {
    std::string deep = "a";
    for (int i = 0; i < 100000; ++i)
        deep += ".a";
    for (const std::string& text :
         {deep + " = 1\n", "x = {" + deep + " = 1}\n", "[" + deep + "]\n"})
        CHECK(complaint_of(text, [](const TomlTable&) {}).find("parts") != std::string::npos);
}

TEST_CASE("a long string may end in quotes of its own, and what follows it is looked at") {
    std::string deep = "a";
    for (int i = 0; i < 100; ++i)
        deep += ".a";
    for (const char quote : {'"', '\''})
        for (std::size_t own = 0; own <= 2; ++own) {
            const std::string content = "s" + std::string(own, quote);
            const auto string = std::string(3, quote) + content + std::string(3, quote);
            CAPTURE(string);
            CHECK(TomlTable::parse("s = " + string + "\n", "x").string("s") == content);
            CHECK(
                complaint_of("x = {s = " + string + ", " + deep + " = 1}\n", [](const TomlTable&) {
                }).find("parts") != std::string::npos);
        }
}

TEST_CASE("many dots inside a string or a comment are no key") {
    const std::string dots(5000, '.');
    const auto root = TomlTable::parse("# " + dots + "\na = \"" + dots + "\"\nb = '''\n" + dots +
                                           "\"\n'''\nc = \"\\\"" + dots + "\"\n",
                                       "x");
    CHECK(root.string("a") == dots);
}

TEST_CASE("any text that is written is read back byte for byte") {
    const std::string text =
        "spaces  'single' \"double\" $HOME \\ back\ttab\nnew\r\x01\x7f caf\xc3\xa9";
    TomlWriter writer;
    writer.set("plain", text).table({"config", "odd key\n"}).set("", text);
    const auto root = TomlTable::parse(writer.text(), "x");
    CHECK(root.string("plain") == text);
    CHECK(root.table("config")->table("odd key\n")->string("") == text);
}

TEST_CASE("text that TOML cannot hold is not written") {
    TomlWriter writer;
    CHECK_THROWS_AS(writer.set("a", std::string("nul\0", 4)), std::logic_error);
    CHECK_THROWS_AS(writer.set("a", "\xff"), std::logic_error);
}

TEST_SUITE_END();

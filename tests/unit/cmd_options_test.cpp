#include "cmd/command.hpp"
#include "cmd/commands.hpp"

#include "core/base/error.hpp"

#include <doctest/doctest.h>

using namespace shipit;
using namespace shipit::cmd;
using Words = std::vector<std::string>;

namespace {

const Command ship{
    "ship",
    "test",
    {{"BUILD", Argument::Number::optional}},
    {{"-m,--message", "TEXT", "why"}, {"--force", "", "do"}, {"--wait", "[TIME]", "wait"}},
    {},
    nullptr};
const Command once{"once",
                   "test",
                   {{"COMMAND", Argument::Number::some}},
                   {{"--release", "vN", "which"}},
                   {},
                   nullptr,
                   false,
                   true};

std::string complaint(const Command& command, const Words& words) {
    try {
        (void)parse(command, words);
    } catch (const Error& error) {
        CHECK(error.outcome() == Outcome::usage);
        return error.why() + " | " + error.next();
    }
    return "none";
}

} // namespace

TEST_SUITE_BEGIN("cmd: options");

TEST_CASE("options and arguments may come in any order, values attached or apart") {
    for (const Words& words : {Words{"build", "-m", "text", "-a", "blog", "--json"},
                               Words{"--json", "--app=blog", "--message=text", "build"},
                               Words{"-ablog", "-mtext", "--json", "build"}}) {
        const Arguments arguments = parse(ship, words);
        CHECK(arguments.text("message") == "text");
        CHECK(arguments.text("app") == "blog");
        CHECK(arguments.has("json"));
        CHECK_FALSE(arguments.has("force"));
        CHECK(arguments.word(0) == "build");
    }
}

TEST_CASE("an option that takes no value is not taken with one, whatever that says") {
    CHECK(complaint(ship, {"--force=no"}) ==
          "'--force' takes no value | write '--force' alone, or leave it out");
    CHECK(complaint(ship, {"build", "--json="}) ==
          "'--json' takes no value | write '--json' alone, or leave it out");
    CHECK(parse(ship, {"--", "--force=no"}).word(0) == "--force=no");
    CHECK(parse(once, {"env", "--quiet=no"}).word(1) == "--quiet=no");
}

TEST_CASE("a value that may be left out is only taken behind '='") {
    const Arguments bare = parse(ship, {"--wait", "build"});
    CHECK(bare.has("wait"));
    CHECK_FALSE(bare.text("wait").has_value());
    CHECK(bare.word(0) == "build");
    CHECK(parse(ship, {"--wait=30s"}).text("wait") == "30s");
}

TEST_CASE("a build called '-' is an argument, and '--' ends the options") {
    CHECK(parse(ship, {"-"}).word(0) == "-");
    CHECK(parse(ship, {"--", "--force"}).word(0) == "--force");
}

TEST_CASE("what follows a one-off command's name is the command's own") {
    const Arguments arguments = parse(once, {"--release", "v3", "ls", "-la", "--json", "-a", "x"});
    CHECK(arguments.text("release") == "v3");
    CHECK_FALSE(arguments.has("json"));
    CHECK(Words(arguments.words().begin(), arguments.words().end()) ==
          Words{"ls", "-la", "--json", "-a", "x"});
    CHECK(parse(once, {"--", "ls", "--", "-l"}).words().size() == 3);
    CHECK(parse(once, {"--", "-l"}).word(0) == "-l");
}

TEST_CASE("a wrong option is answered with the one that was meant") {
    CHECK(complaint(ship, {"--forse"}) ==
          "'shipit ship' has no option '--forse' | did you mean '--force'?");
    CHECK(complaint(once, {"--relase", "v1", "--", "env"}) ==
          "'shipit once' has no option '--relase' | did you mean '--release'?");
    CHECK(complaint(ship, {"-m"}) == "'--message' needs TEXT | see 'shipit ship --help'");
    CHECK(complaint(ship, {"a", "b"}) == "'shipit ship' does not take 'b' | usage: shipit ship [-m "
                                         "TEXT] [--force] [--wait[=TIME]] [BUILD]");
    CHECK(complaint(once, {}).find("needs COMMAND") != std::string::npos);
}

TEST_CASE("an empty value is a value, so that --root \"$UNSET\" is not taken for the default") {
    CHECK(parse(ship, {"--root", ""}).text("root") == "");
    CHECK(parse(ship, {"-a", ""}).text("app") == "");
    const auto arguments = parse(ship, {"--message=", "build"});
    CHECK(arguments.text("message") == "");
    CHECK(arguments.word(0) == "build");
    CHECK(parse(ship, {"build", "--message="}).text("message") == "");
    CHECK(parse(ship, {"--", "--message="}).word(0) == "--message=");
    CHECK(parse(once, {"env", "--release="}).word(1) == "--release=");
}

TEST_CASE("what is behind '=' is not shown, for it may be a secret") {
    for (const Words& words : {Words{"build", "KEY=secret"}, Words{"--key=secret"}})
        CHECK(complaint(ship, words).find("secret") == std::string::npos);
    try {
        (void)find_command({"--password=secret", "deploy"});
        FAIL("it is taken");
    } catch (const Error& error) {
        CHECK(error.why() == "unknown option '--password'");
    }
}

TEST_CASE("commands are found by their own names and by Heroku's") {
    CHECK(find_command({"deploy", "x"}).command->name == "deploy");
    CHECK(find_command({"config", "set", "A=1"}).command->name == "config set");
    CHECK(find_command({"config:set", "A=1"}).command->name == "config set");
    CHECK(find_command({"releases:info", "v3"}).command->name == "info");
    CHECK(find_command({"-a", "blog", "--json", "releases"}).command->name == "releases");
    CHECK(find_command({"-a", "blog", "releases"}).words == Words{"-a", "blog"});
    CHECK(find_command({"-qv", "status"}).command->name == "status");
    CHECK(find_command({"-qa", "blog", "status"}).command->name == "status");
    CHECK(find_command({"-qablog", "status"}).command->name == "status");
    CHECK_THROWS_AS((void)find_command({"-qx", "status"}), Error);
    CHECK_THROWS_AS((void)find_command({"-q--json", "status"}), Error);
    CHECK_THROWS_AS((void)find_command({"-qa"}), Error);
    CHECK(find_command({}).command == nullptr);
}

TEST_CASE("a command that does not exist is answered with the one that was meant") {
    const auto answer = [](const Words& words) -> std::string {
        try {
            return std::string(find_command(words).command->name);
        } catch (const Error& error) {
            return error.why() + " | " + error.next();
        }
    };
    CHECK(answer({"rolback"}) == "unknown command 'rolback' | did you mean 'rollback'?");
    CHECK(answer({"config", "sett", "A=1"}) ==
          "unknown command 'config sett' | did you mean 'config set'?");
    CHECK(answer({"config", "--reveal"}) == "config");
    CHECK(answer({"config", "A=1"}) == "config"); // which then says what it does not take
    CHECK(answer({""}) == "unknown command '' | 'shipit help' lists the commands");
}

TEST_CASE("a command's help is its usage, its own options, its examples and where there is more") {
    CHECK(help_text(ship) ==
          "usage: shipit ship [-m TEXT] [--force] [--wait[=TIME]] [BUILD]\n\n"
          "test\n\n"
          "options:\n"
          "  -m, --message TEXT     why\n"
          "  --force                do\n"
          "  --wait[=TIME]          wait\n\n"
          "options of every command: -a APP, --root DIR, --json, -q, -v, --color WHEN, -h\n"
          "'shipit help ship' tells more\n");
}

TEST_CASE("each command has its page of the manual") {
    REQUIRE(command_named("config set") != nullptr);
    CHECK(page_of(*command_named("config set")) == "shipit-config-set");
    CHECK(page_of(*command_named("deploy")) == "shipit-deploy");
}

TEST_SUITE_END();

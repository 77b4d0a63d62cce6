#include "core/deploy/environment.hpp"

#include <doctest/doctest.h>

#include <map>

using namespace shipit;
using namespace shipit::deploy;

namespace {

std::map<std::string, std::string> environment(const ConfigVars& config) {
    const Surroundings surroundings{AppName::parse("blog"),
                                    ReleaseNumber(12),
                                    *SlugId::parse("0123456789abcdef0123456789abcdef"),
                                    {"www-data", 33, 33, "/var/www", "/usr/sbin/nologin", {33}},
                                    8000};
    std::map<std::string, std::string> result;
    for (const auto& [name, value] : environment_of(surroundings, config, "web.1"))
        result[name] = value;
    return result;
}

} // namespace

TEST_SUITE_BEGIN("deploy: environment");

TEST_CASE("a process is told its app, release, slug, name and port") {
    const auto variables = environment({});
    CHECK(variables.at("SHIPIT_APP") == "blog");
    CHECK(variables.at("SHIPIT_RELEASE") == "v12");
    CHECK(variables.at("SHIPIT_SLUG") == "0123456789abcdef0123456789abcdef");
    CHECK(variables.at("SHIPIT_PROCESS") == "web.1");
    CHECK(variables.at("PORT") == "8000");
    CHECK(variables.at("HOME") == "/var/www");
}

TEST_CASE("nothing comes from the environment of whoever deploys") {
    ::setenv("LD_PRELOAD_OF_THE_CALLER", "x", 1);
    CHECK_FALSE(environment({}).contains("LD_PRELOAD_OF_THE_CALLER"));
    CHECK(environment({}).size() == 11);
}

TEST_CASE("config vars win over the defaults, but not over what shipit tells") {
    const auto variables = environment({{"PATH", "/opt/bin"}, {"PORT", "1"}, {"A", "b c\n$d"}});
    CHECK(variables.at("PATH") == "/opt/bin");
    CHECK(variables.at("PORT") == "8000");
    CHECK(variables.at("A") == "b c\n$d");
}

TEST_CASE("a command on a terminal is told which, unless that is no name or a config var says so") {
    using Variables = std::vector<std::pair<std::string, std::string>>;
    ::setenv("TERM", "screen.xterm-256color", 1);
    ::setenv("COLORTERM", "truecolor", 1);
    CHECK(terminal_variables({}) ==
          Variables{{"TERM", "screen.xterm-256color"}, {"COLORTERM", "truecolor"}});
    CHECK(terminal_variables({{"TERM", "dumb"}}) == Variables{{"COLORTERM", "truecolor"}});
    ::unsetenv("COLORTERM");
    for (const std::string& other : {std::string(), std::string("../etc/passwd"),
                                     std::string("a\33]0;b\7"), std::string(65, 'x')}) {
        ::setenv("TERM", other.c_str(), 1);
        CHECK(terminal_variables({}).empty());
    }
    ::unsetenv("TERM");
}

TEST_SUITE_END();

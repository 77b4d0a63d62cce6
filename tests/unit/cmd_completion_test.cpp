#include "cmd/completion.hpp"

#include <algorithm>

#include <doctest/doctest.h>

using namespace shipit::cmd;
using Words = std::vector<std::string>;

namespace {

Words texts(const Words& words) {
    Words result;
    for (const Candidate& candidate : completion_of(words).candidates)
        result.push_back(candidate.text);
    return result;
}

bool offers(const Words& words, const std::string& text) {
    const Words all = texts(words);
    return std::count(all.begin(), all.end(), text) == 1;
}

} // namespace

TEST_SUITE_BEGIN("cmd: completion");

TEST_CASE("the first word is a command, once, and never one that only shipit calls") {
    CHECK(texts({"rollb"}) == Words{"rollback"});
    CHECK(offers({""}, "config"));
    CHECK_FALSE(offers({""}, "complete"));
    CHECK(offers({}, "deploy"));
}

TEST_CASE("the second word of a command is offered, also behind 'help'") {
    CHECK(offers({"config", ""}, "set"));
    CHECK(offers({"help", ""}, "rollback"));
    CHECK_FALSE(offers({"config", "set", ""}, "set"));
}

TEST_CASE("of an option the long name is offered, of the command and of all") {
    CHECK(offers({"run", "--rel"}, "--release"));
    CHECK(offers({"run", "--"}, "--app"));
    CHECK_FALSE(offers({"rollback", "-"}, "-a"));
    CHECK(texts({"run", "--", "--rel"}).empty());
}

TEST_CASE("a value is known by its option, attached or apart") {
    const Completion attached = completion_of({"rollback", "--app=bl"});
    CHECK(attached.choice == Choice::apps);
    CHECK(attached.before == "--app=");
    CHECK(attached.typed == "bl");
    CHECK(completion_of({"-a", ""}).choice == Choice::apps);
    CHECK(completion_of({"run", "--release", "v"}).choice == Choice::releases);
    CHECK(texts({"completion", "z"}) == Words{"zsh"});
}

TEST_CASE("the app and the root that were typed are the ones looked into") {
    for (const Words& words : {Words{"-a", "blog", "--root", "/r", "rollback", ""},
                               Words{"rollback", "--app=blog", "--root=/r", ""},
                               Words{"-ablog", "--root=/r", "info", ""}}) {
        const Completion completion = completion_of(words);
        CHECK(completion.app == "blog");
        CHECK(completion.root == "/r");
        CHECK(completion.choice == Choice::releases);
    }
}

TEST_CASE("an argument is what its command says") {
    CHECK(completion_of({"deploy", ""}).choice == Choice::files);
    CHECK(completion_of({"config", "get", ""}).choice == Choice::config_names);
    CHECK(completion_of({"config", "set", ""}).choice == Choice::config_assignments);
    CHECK(completion_of({"scale", ""}).choice == Choice::process_counts);
    CHECK(completion_of({"create", ""}).choice == Choice::nothing);
}

TEST_CASE("whatever was typed, nothing is thrown") {
    const Words hostile{"",
                        "-",
                        "--",
                        "=",
                        "--=",
                        "-=",
                        "--app",
                        "--app=",
                        "-a",
                        "config",
                        "\xff\xfe",
                        " ",
                        "\n",
                        "\t",
                        "help",
                        std::string(100000, '-'),
                        std::string("\0x", 2)};
    for (const std::string& first : hostile)
        for (const std::string& second : hostile)
            for (const std::string& third : hostile)
                CHECK_NOTHROW((void)completion_of({first, second, third}));
    CHECK(texts({"no-such-command", ""}).empty());
}

TEST_CASE("three shells have a script, others have none") {
    for (const char* shell : {"bash", "zsh", "fish"})
        CHECK(completion_script(shell).has_value());
    CHECK_FALSE(completion_script("csh").has_value());
    CHECK_FALSE(completion_script("").has_value());
}

TEST_SUITE_END();

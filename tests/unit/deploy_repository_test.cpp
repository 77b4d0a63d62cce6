#include "core/deploy/repository.hpp"

#include "core/base/error.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace shipit;
using namespace shipit::deploy;

namespace {

const std::string zeros(40, '0');
const std::string some(40, 'a');
const std::string other(64, 'b');

bool is_refused(const std::string& lines) {
    try {
        (void)ref_updates(lines);
    } catch (const Error&) {
        return true;
    }
    return false;
}

} // namespace

TEST_SUITE_BEGIN("deploy: git repository");

TEST_CASE("what git tells its hook is read, by SHA-1 and SHA-256") {
    const auto updates =
        ref_updates(zeros + " " + some + " refs/heads/main\n" + other + " " + other +
                    " refs/tags/v1\n" + some + " " + zeros + " refs/heads/old\n");
    REQUIRE(updates.size() == 3);
    CHECK(updates[0].before == zeros);
    CHECK(updates[0].after == some);
    CHECK(updates[0].ref == "refs/heads/main");
    CHECK_FALSE(updates[0].deletes());
    CHECK(updates[1].ref == "refs/tags/v1");
    CHECK(updates[2].deletes());
    CHECK(ref_updates("").empty());
}

TEST_CASE("what git does not write is refused") {
    for (const std::string& line :
         {some + " " + some, some + " " + some + " main", some + " " + some + " refs/heads/a b",
          "x" + some.substr(1) + " " + some + " refs/heads/main",
          some.substr(1) + " " + some + " refs/heads/main", some + " --output=x refs/heads/main",
          std::string("-----BEGIN"), std::string(" ")})
        CHECK_MESSAGE(is_refused(line + "\n"), line);
}

TEST_CASE("push options say what a deploy's would") {
    CHECK_FALSE(push_options({}).no_activate);
    const std::vector<std::string> both{"message=Shop: 50% = half", "no-activate"};
    CHECK(push_options(both).no_activate);
    CHECK(push_options(both).description == "Shop: 50% = half");
}

TEST_CASE("a push option that there is not is refused, with those that there are") {
    for (const std::string& option :
         {std::string("no-activat"), std::string("no-activate=yes"), std::string("message"),
          std::string("ci.skip"), std::string()}) {
        try {
            (void)push_options(std::vector{option});
            FAIL(option);
        } catch (const Error& error) {
            CHECK(error.outcome() == Outcome::usage);
            CHECK(error.why() == "there is no push option '" + option + "'");
            CHECK(error.next() == "there are '-o no-activate' and '-o message=TEXT'");
        }
    }
}

TEST_SUITE_END();

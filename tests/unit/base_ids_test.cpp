#include "core/base/error.hpp"
#include "core/base/ids.hpp"

#include <doctest/doctest.h>

using namespace shipit;

TEST_SUITE_BEGIN("base: ids");

TEST_CASE("a release number is read with v, with V and bare") {
    CHECK(ReleaseNumber::parse("v12") == ReleaseNumber(12));
    CHECK(ReleaseNumber::parse("V12") == ReleaseNumber(12));
    CHECK(ReleaseNumber::parse("12") == ReleaseNumber(12));
}

TEST_CASE("what is no release number is not taken for one") {
    for (const char* text : {"", "v", "0", "v0", "v01", "-1", "v-1", "1.5", "12x", " 12", "vv1",
                             "18446744073709551616", "--help"})
        CHECK_FALSE(ReleaseNumber::parse(text).has_value());
}

TEST_CASE("a slug id is 32 lower-case hex digits and nothing else") {
    CHECK(SlugId::parse("0123456789abcdef0123456789abcdef").has_value());
    for (const char* text :
         {"", "0123456789abcdef0123456789abcde", "0123456789ABCDEF0123456789ABCDEF",
          "0123456789abcdef0123456789abcdeg", "../3456789abcdef0123456789abcdef0"})
        CHECK_FALSE(SlugId::parse(text).has_value());
}

TEST_CASE("an app's name can be a folder, a socket and a unit") {
    for (const char* name : {"blog", "a", "my-app_2", "7up"})
        CHECK(AppName::parse(name).text() == name);
}

TEST_CASE("an app's name that could be a path, an option or too long is refused") {
    const std::string too_long(64, 'a');
    for (const std::string& name :
         {std::string("a/b"), std::string(".."), std::string("."), std::string(""),
          std::string("-x"), std::string("Blog"), std::string("app.service"),
          std::string("caf\xc3\xa9"), too_long}) {
        CHECK_THROWS_AS((void)AppName::parse(name), Error);
        CHECK_FALSE(AppName::is_valid(name));
    }
}

TEST_SUITE_END();

#include "core/base/error.hpp"
#include "core/base/json.hpp"
#include "core/base/text.hpp"

#include <doctest/doctest.h>

using namespace shipit;

TEST_SUITE_BEGIN("base: JSON");

TEST_CASE("members keep the order in which they were set") {
    const Json json = Json::object({{"z", 1}, {"a", true}, {"m", "text"}, {"n", 2.5}});
    CHECK(json.dump() == R"({"z":1,"a":true,"m":"text","n":2.5})");
}

TEST_CASE("what was written is read back") {
    Json json = Json::object({{"list", Json::array()}, {"nothing", Json()}});
    json.set("text", "line\nnext \"quoted\" \\ \x01");
    json.set("large", std::int64_t{1} << 62);
    CHECK(Json::parse(json.dump()).dump() == json.dump());
    CHECK(Json::parse(json.dump_pretty()).dump() == json.dump());
}

TEST_CASE("bytes that are not UTF-8 do not stop the output") {
    CHECK(Json("a\xff").dump() == "\"a\xef\xbf\xbd\"");
}

TEST_CASE("what is written drives no terminal, and is read back all the same") {
    const std::string text =
        "\x7f | \u0085 \u009b | \u202a \u202e \u2066 \u2069 | caf\u00e9 \u2014 \U0001f600";
    const Json json = Json::object({{text, text}});
    CHECK(Json(text).dump() == "\"\\u007f | \\u0085 \\u009b | \\u202a \\u202e \\u2066 \\u2069 | "
                               "caf\u00e9 \u2014 \U0001f600\"");
    for (const auto& written : {json.dump(), json.dump_pretty()}) {
        CHECK(printable_lines(written) == written);
        CHECK(Json::parse(written)[text].text() == text);
    }
}

TEST_CASE("what is no JSON is quoted harmlessly") {
    try {
        (void)Json::parse("[\u009b\u202e");
        FAIL("no error");
    } catch (const Error& error) {
        CHECK(printable(error.why()) == error.why());
    }
}

TEST_CASE("reading a wrong type gives the default, not an exception") {
    const Json json = Json::parse(R"({"number":"seven","list":7})");
    CHECK(json["number"].integer(3) == 3);
    CHECK(json["list"].items().empty());
    CHECK(json["absent"]["deeper"].text("none") == "none");
}

TEST_CASE("broken, trailing and deeply nested JSON is refused") {
    for (const std::string& text :
         {std::string("{"), std::string("{} {}"), std::string(""), std::string(100000, '[')})
        CHECK_THROWS_AS((void)Json::parse(text), Error);
}

TEST_SUITE_END();

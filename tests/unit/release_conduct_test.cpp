#include "core/release/conduct.hpp"

#include "tests/unit/test_folder.hpp"

#include <doctest/doctest.h>

using namespace shipit;
using namespace shipit::release;
using shipit::tests::TestFolder;

TEST_SUITE_BEGIN("release: conduct");

TEST_CASE("conduct is read back as it was written, whatever programs print") {
    const TestFolder folder;
    const auto file = folder.path() / "v12.evidence";
    Conduct conduct;
    conduct.add_exit({*parse_time("2026-11-22T22:39:49.123Z"), "web.1", "exited with status 1"});
    conduct.add_failed_check("GET http://127.0.0.1:8000/ answered 503");
    conduct.add_lines("web.1: \"\x1b[31m\xc3\xa9\"\n");
    conduct.peak_memory = 1U << 30;
    write_conduct(file, conduct);
    CHECK(read_conduct(file) == conduct);
}

TEST_CASE("of a release without evidence, or with junk for it, nothing is known") {
    const TestFolder folder;
    const auto file = folder.path() / "v12.evidence";
    CHECK(read_conduct(file) == Conduct{});
    for (const char* junk : {"", "junk", "[1, 2]", "{\"exits\": \"many\", \"newest_exits\": 3}",
                             "{\"exits\": -1, \"peak_memory\": -5, \"last_lines\": null}"}) {
        sys::replace(file, junk, 0600);
        CHECK(read_conduct(file) == Conduct{});
    }
}

TEST_CASE("all exits are counted, and the newest are told of") {
    Conduct conduct;
    for (int i = 1; i <= 100; ++i)
        conduct.add_exit({{}, "web." + std::to_string(i), "exited"});
    CHECK(conduct.exits == 100);
    REQUIRE(conduct.newest_exits.size() == 10);
    CHECK(conduct.newest_exits.front().process == "web.91");
    CHECK(conduct.newest_exits.back().process == "web.100");
}

TEST_CASE("of many lines the newest are kept, and whole ones") {
    Conduct conduct;
    std::string lines;
    for (int i = 1; i <= 10000; ++i)
        lines += "web.1: line " + std::to_string(i) + "\n";
    conduct.add_lines(lines);
    CHECK(conduct.last_lines.size() <= 8192);
    CHECK(conduct.last_lines.starts_with("web.1: line "));
    CHECK(conduct.last_lines.ends_with("web.1: line 10000\n"));
    conduct.add_lines(std::string(100000, 'x'));
    CHECK(conduct.last_lines == std::string(8192, 'x'));
}

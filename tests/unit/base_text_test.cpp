#include "core/base/text.hpp"

#include <doctest/doctest.h>

using namespace shipit;
using namespace std::chrono_literals;

TEST_SUITE_BEGIN("base: text");

TEST_CASE("nothing that drives a terminal passes printable") {
    CHECK(printable("plain caf\xc3\xa9 \xe2\x98\x83") == "plain caf\xc3\xa9 \xe2\x98\x83");
    CHECK(printable("a\x1b[31mred") == "a\\x1b[31mred");
    CHECK(printable("a\nb\tc\r") == "a\\nb\\tc\\r");
    CHECK(printable("\xc2\x9b"
                    "31m") == "\\u009b31m");
    const std::string right_to_left{'\xe2', '\x80', '\xae'};
    CHECK(printable(right_to_left) == "\\u202e");
    CHECK(printable("\xff\xc0\x80") == "\\xff\\xc0\\x80");
    CHECK(printable_lines("a\n\tb\x07") == "a\n\tb\\x07");
}

TEST_CASE("overlong forms, surrogates and cut characters are not UTF-8") {
    CHECK(is_utf8("\xf0\x9f\x98\x80"));
    for (const char* text :
         {"\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82"})
        CHECK_FALSE(is_utf8(text));
}

TEST_CASE("a text is cut between characters") {
    const std::string text = "aé€😀\xff"
                             "b";
    const std::vector<std::size_t> expected = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 12, 12};
    for (std::size_t most = 0; most < expected.size(); most++)
        CHECK(beginning_of(text, most) == text.substr(0, expected[most]));
    CHECK(beginning_of("\x80\x80\x80\x80\x80\x80", 5).size() == 5);
    CHECK(beginning_of("", 0).empty());
}

TEST_CASE("a shell reads a quoted word back as it was") {
    CHECK(shell_quoted("plain-1.0/x") == "plain-1.0/x");
    CHECK(shell_quoted("two words") == "'two words'");
    CHECK(shell_quoted("it's $HOME") == "'it'\\''s $HOME'");
    CHECK(shell_quoted("") == "''");
}

TEST_CASE("text is broken at blanks into lines that fit") {
    using Lines = std::vector<std::string>;
    CHECK(wrapped("", 10) == Lines{""});
    CHECK(wrapped("one two three", 13) == Lines{"one two three"});
    CHECK(wrapped("one two three", 12) == Lines{"one two", "three"});
    CHECK(wrapped("one unbreakable three", 5) == Lines{"one", "unbreakable", "three"});
    CHECK(wrapped("\xe6\x97\xa5 \xe6\x9c\xac", 4) == Lines{"\xe6\x97\xa5", "\xe6\x9c\xac"});
}

TEST_CASE("text is shortened by columns, not by bytes") {
    CHECK(columns("\xe6\x97\xa5\xe6\x9c\xac") == 4);
    CHECK(shortened("short", 10) == "short");
    CHECK(shortened("a long description", 6) == "a lon…");
    CHECK(shortened("\xe6\x97\xa5\xe6\x9c\xac", 3) == "\xe6\x97\xa5…");
}

TEST_CASE("durations are read, summed and refused") {
    CHECK(parse_duration("250ms") == 250ms);
    CHECK(parse_duration("1h30m") == 90min);
    CHECK(parse_duration("2w") == 24h * 14);
    for (const char* text : {"", "5", "s", "-1s", "5 parsecs", "1.5h", "9999999999999w", "1s "})
        CHECK_FALSE(parse_duration(text).has_value());
}

TEST_CASE("a duration's text is read back as the same duration") {
    for (const auto duration : {0ms, 1ms, 1500ms, 90000ms, 600000ms, 86400000ms, 90061001ms})
        CHECK(parse_duration(duration_text(duration)) == duration);
    CHECK(duration_text(600s) == "10m");
    CHECK(duration_text(90s) == "90s");
}

TEST_CASE("sizes are read in powers of 1024") {
    CHECK(parse_size("5G") == 5ULL << 30);
    CHECK(parse_size("512MiB") == 512ULL << 20);
    CHECK(parse_size("100") == 100);
    for (const char* text : {"", "G", "-1", "5X", "99999999999T", "5 G"})
        CHECK_FALSE(parse_size(text).has_value());
    CHECK(size_text(812) == "812 B");
    CHECK(size_text(4300) == "4.2 KB");
    CHECK(size_text(31ULL << 20) == "31 MB");
}

TEST_CASE("a time's text is read back as the same time") {
    const WallTime time{std::chrono::milliseconds(1795387189123)};
    CHECK(time_text(time) == "2026-11-22T22:39:49.123Z");
    CHECK(parse_time(time_text(time)) == time);
    CHECK(parse_time("2026-11-22T22:39:49Z") == time - 123ms);
    for (const char* text : {"", "2026-11-22", "2026-02-30T00:00:00Z", "2026-11-22T22:39:49",
                             "2026-11-22T25:00:00Z", "2026-11-22T22:39:49.1Z"})
        CHECK_FALSE(parse_time(text).has_value());
}

TEST_CASE("one of a thing is told as one") {
    CHECK(counted(1, "slug") == "1 slug");
    CHECK(counted(0, "slug") == "0 slugs");
}

TEST_CASE("times are told as people tell them, and a clock set back is told too") {
    const WallTime now{std::chrono::hours(1000)};
    CHECK(time_ago(now - 1s, now) == "1 second ago");
    CHECK(time_ago(now - 59s, now) == "59 seconds ago");
    CHECK(time_ago(now - 3min, now) == "3 minutes ago");
    CHECK(time_ago(now - 47h, now) == "47 hours ago");
    CHECK(time_ago(now - 72h, now) == "3 days ago");
    CHECK(time_ago(now + 1h, now) == "in the future");
}

TEST_CASE("a slip of the fingers is answered with what was meant") {
    const std::vector<std::string> commands{"deploy", "rollback", "releases", "restart"};
    CHECK(nearest("rolback", commands) == "rollback");
    CHECK(nearest("delpoy", commands) == "deploy");
    CHECK_FALSE(nearest("xyzzy", commands).has_value());
    CHECK_FALSE(nearest("", commands).has_value());
}

TEST_SUITE_END();

TEST_CASE("of a list that nobody would read, the first ten are told, and how many more there are") {
    std::vector<std::string> pieces(few_to_read, "a");
    CHECK(joined_briefly({}, "; ").empty());
    CHECK(joined_briefly(pieces, "; ") == joined(pieces, "; "));
    pieces.resize(few_to_read + 1234, "b");
    CHECK(joined_briefly(pieces, "; ") == "a; a; a; a; a; a; a; a; a; a; and 1234 more");
}

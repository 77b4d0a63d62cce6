#include "cmd/meter.hpp"

#include <doctest/doctest.h>

using namespace shipit::cmd;
using std::chrono::milliseconds;

TEST_SUITE_BEGIN("cmd: meter");

TEST_CASE("a meter tells how much is done, how fast, and how long the rest takes") {
    constexpr std::uint64_t mega = 1 << 20;
    CHECK(meter_line(25 * mega, 100 * mega, milliseconds(1000)) ==
          "  25 MB of 100 MB (25 %), 25 MB/s, 3 s left");
    CHECK(meter_line(1 * mega, 91 * mega, milliseconds(1000)) ==
          "  1.0 MB of 91 MB (1 %), 1.0 MB/s, 1 min 30 s left");
    CHECK(meter_line(1 * mega, 7501 * mega, milliseconds(1000)) ==
          "  1.0 MB of 7.3 GB (0 %), 1.0 MB/s, 2 h 5 min left");
}

TEST_CASE("a meter without a total, or at its end, or at its beginning, guesses nothing") {
    constexpr std::uint64_t mega = 1 << 20;
    CHECK(meter_line(10 * mega, 0, milliseconds(2000)) == "  10 MB, 5.0 MB/s");
    CHECK(meter_line(10 * mega, 10 * mega, milliseconds(2000)) ==
          "  10 MB of 10 MB (100 %), 5.0 MB/s");
    CHECK(meter_line(0, 10 * mega, milliseconds(2000)) == "  0 B of 10 MB (0 %)");
    CHECK(meter_line(5, 10, milliseconds(0)) == "  5 B of 10 B (50 %)");
    // What grew while it was read.
    CHECK(meter_line(20 * mega, 10 * mega, milliseconds(2000)) ==
          "  20 MB of 10 MB (100 %), 10 MB/s");
}

TEST_SUITE_END();

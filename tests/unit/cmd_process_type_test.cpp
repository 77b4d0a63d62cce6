#include "cmd/process_type.hpp"

#include <doctest/doctest.h>

using namespace shipit;
using namespace shipit::cmd;

TEST_SUITE_BEGIN("cmd: process type");

TEST_CASE("a process type is told with what is not as it is without settings") {
    ProcessType type;
    type.command = "run\x1b";
    CHECK(process_text(type) == "run\\x1b (1)");
    type.count = 3;
    type.notify = true;
    type.watchdog = std::chrono::seconds(30);
    CHECK(process_text(type) == "run\\x1b (3, notify, watchdog 30s)");
    type.overlap = true;
    type.stop_signal = "QUIT";
    type.stop_timeout = std::chrono::minutes(1);
    CHECK(process_text(type) ==
          "run\\x1b (3, overlap, notify, watchdog 30s, stop signal QUIT, stop timeout 1m)");
}

TEST_CASE("two process types that differ are told apart") {
    const ProcessType usual;
    ProcessType other = usual;
    other.stop_timeout += std::chrono::milliseconds(1);
    CHECK(process_text(usual) != process_text(other));
    CHECK(json_of(usual).dump() != json_of(other).dump());
}

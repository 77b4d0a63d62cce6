#include "core/supervise/run_command.hpp"

#include "core/sys/clock.hpp"
#include "tests/unit/few_descriptors.hpp"
#include "tests/unit/supervised_app.hpp"

#include <doctest/doctest.h>

using namespace shipit;
using namespace shipit::supervise;
using namespace std::chrono_literals;
using tests::FewDescriptors;

namespace {

Launch launch_of(const std::string& command) {
    Launch launch;
    launch.argv = {"/bin/sh", "-c", command};
    launch.environment = {{"PATH", "/usr/bin:/bin"}};
    launch.folder = "/";
    return launch;
}

// Its end, where there are no descriptors for a while after its start; nothing if it does not come.
std::optional<RunCommand::End> end_of(const std::string& command, milliseconds timeout) {
    Loop loop;
    std::optional<RunCommand::End> end;
    RunCommand running(loop, launch_of(command), timeout, nullptr,
                       [&](const RunCommand::End& its_end) {
                           end = its_end;
                           loop.stop();
                       });
    auto few = std::make_unique<FewDescriptors>(0);
    const auto enough = loop.after(200ms, [&] { few.reset(); });
    const auto too_late = loop.after(tests::patience, [&] { loop.stop(); });
    loop.run();
    return end;
}

} // namespace

TEST_SUITE_BEGIN("supervise::RunCommand");

TEST_CASE("a command that ends while processes cannot be looked at is told to have ended") {
    const auto end = end_of("exit 3", 0ms);
    REQUIRE(end);
    CHECK(exit_text(end->status) == "exited with status 3");
    CHECK_FALSE(end->timed_out);
}

TEST_CASE("a command takes no longer than it may where processes cannot be looked at") {
    const auto end = end_of("exec sleep 1000", 50ms);
    REQUIRE(end);
    CHECK(end->timed_out);
}

TEST_SUITE_END();

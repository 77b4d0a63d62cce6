#include "core/supervise/run_command.hpp"

#include "core/base/text.hpp"
#include "core/sys/clock.hpp"
#include "tests/unit/few_descriptors.hpp"
#include "tests/unit/supervised_app.hpp"

#include <doctest/doctest.h>

#ifndef __SANITIZE_ADDRESS__ // UBSan, beside it, looks through a pipe at the objects that it judges

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
std::optional<RunCommand::End> end_of(const std::string& command, milliseconds timeout,
                                      int descriptors = 0) {
    Loop loop;
    std::optional<RunCommand::End> end;
    RunCommand running(loop, launch_of(command), timeout, nullptr,
                       [&](const RunCommand::End& its_end) {
                           end = its_end;
                           loop.stop();
                       });
    auto few = std::make_unique<FewDescriptors>(descriptors);
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

TEST_CASE("what a command leaves is not taken for gone where it cannot be looked at") {
    const tests::TestFolder folder;
    const std::string file = (folder / "pid").string();
    const auto end = end_of("sleep 1000 & echo $! >" + file + "; exit 0", 0ms, 1);
    REQUIRE(end);
    const std::string left = "/proc/" + std::string(trimmed(sys::read_file(file)));
    CHECK(tests::eventually([&] { return !sys::is_there(left); }));
}

TEST_SUITE_END();

#endif

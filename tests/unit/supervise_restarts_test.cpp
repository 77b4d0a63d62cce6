// Processes that do not stay up, or are not well at once, for as long as it takes.
#include "core/base/text.hpp"
#include "core/sys/process.hpp"
#include "tests/unit/supervised_app.hpp"

#include <doctest/doctest.h>

using namespace shipit;
using namespace shipit::supervise;
using namespace std::chrono_literals;
using tests::descriptors_of;
using tests::eventually;
using tests::SupervisedApp;

namespace {

std::uint64_t size_of_all_in(const sys::Path& folder) {
    std::uint64_t size = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
        size += entry.is_regular_file() ? entry.file_size() : 0;
    return size;
}

} // namespace

TEST_SUITE_BEGIN("supervise::Supervisor");

TEST_CASE("a process that crashes again and again, faster than ever in earnest, costs the "
          "supervisor nothing") {
    constexpr std::int64_t warming_up = 100;
#ifndef __SANITIZE_ADDRESS__ // with which one takes a tenth of a second
    constexpr std::int64_t many = 400;
#else
    constexpr std::int64_t many = 100;
#endif
    SupervisedApp app;
    app.set_live(app.worker(1, "false"));
    app.adjust = [](supervise::SupervisorOptions& options) {
        options.limits.first_delay = 0ms;
        options.limits.longest_delay = 0ms;
    };
    app.supervise();
    const auto has_restarted = [&app](std::int64_t times) {
        return eventually([&] { return app.process("worker.1")["restarts"].integer() >= times; });
    };
    REQUIRE(has_restarted(warming_up));
    const auto descriptors = descriptors_of(app.pid());
    const auto memory = sys::resident_bytes(app.pid());
    auto files = sys::names_in(app.run());
    std::erase_if(files, [](const std::string& name) { return name.starts_with(".new-"); });
    REQUIRE(has_restarted(warming_up + many));
    CHECK(descriptors_of(app.pid()) <= descriptors + 4);                  // of one start
    CHECK(eventually([&] { return sys::names_in(app.run()) == files; })); // it may be just writing
    CHECK(size_of_all_in(app.log()) < (4 << 20));
#ifndef __SANITIZE_ADDRESS__ // which keeps what was freed
    CHECK(sys::resident_bytes(app.pid()) < memory + (4 << 20));
#else
    (void)memory;
#endif
    CHECK(app.told() == "crash loop v1 worker.1\n");
}

TEST_CASE("what becomes healthy only after the time for it is told to be up then") {
    SupervisedApp app;
    const tests::TestFolder folder;
    const sys::Path database = folder / "database";
    Generation waiting = app.web(1);
    waiting.health.path.clear();
    waiting.health.command = "test -e " + database.string();
    waiting.health.timeout = 300ms;
    app.set_live(waiting);
    app.supervise();
    CHECK_FALSE(app.ask("start")["ok"].boolean());
    CHECK(app.process("web.1")["state"].text() == "starting");
    sys::replace_durably(database, "", 0600);
    CHECK(eventually([&] { return app.is_up("web.1"); }));
}

TEST_CASE("a killed supervisor's servers that are daemons keep their sockets in the next one") {
    for (const char* const how :
         {"(python3 -S -E server.py &)", "setsid -f python3 -S -E server.py"}) {
        CAPTURE(how);
        SupervisedApp app;
        Generation first = app.web(1);
        first.programs[0].command = std::string(how) + "; exec tail -f /dev/null";
        app.set_live(first);
        app.supervise();
        REQUIRE(eventually([&] { return app.serves("v1"); }));
        app.kill_supervisor();
        app.supervise();
        CHECK(app.ask("start")["ok"].boolean());
        CHECK(app.serves("v1"));
        const Json answer = app.deploy(app.web(2));
        INFO(answer.dump());
        CHECK(answer["ok"].boolean());
        CHECK(app.serves("v2"));
    }
}

TEST_SUITE_END();

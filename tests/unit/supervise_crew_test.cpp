#include "core/supervise/crew.hpp"
#include "core/supervise/gate.hpp"
#include "core/supervise/retirement.hpp"

#include "core/sys/clock.hpp"
#include "tests/unit/few_descriptors.hpp"
#include "tests/unit/supervised_app.hpp"

#include <doctest/doctest.h>
#include <fmt/core.h>

using namespace shipit;
using namespace shipit::supervise;
using namespace std::chrono_literals;
using tests::FewDescriptors;

namespace {

// What a generation of one process needs, in this very process.
struct Here {
    tests::TestFolder folder;
    Loop loop;
    LogFile log{folder / "app.log", {}};
    Addresses addresses{loop, {[](const std::string&) {}, [] {}, [] {}}};
    Surroundings surroundings{loop,
                              log,
                              nullptr,
                              folder.path(),
                              {},
                              [] {},
                              [](const std::string&) {},
                              [](const Process&) {}};

    [[nodiscard]] std::shared_ptr<Crew> crew(std::optional<std::uint16_t> port = std::nullopt) {
        Program program;
        program.name = program.type = port ? "web" : "worker";
        program.command = "sleep 1000";
        program.environment = {{"PATH", "/usr/bin:/bin"}, {"SHIPIT_PROCESS", program.name}};
        program.folder = "/";
        return std::make_shared<Crew>(surroundings,
                                      Generation{ReleaseNumber(1), {program}, {}, port}, Side::a);
    }
    // Until somebody stops the loop; false if nobody does.
    [[nodiscard]] bool run() {
        bool is_late = false;
        const auto end = loop.after(tests::patience, [&] {
            is_late = true;
            loop.stop();
        });
        loop.run();
        return !is_late;
    }
    [[nodiscard]] bool stop(Crew& crew) {
        crew.stop(Crew::all, [this] { loop.stop(); });
        return run();
    }
};

// A child of ours that waits, as another supervisor may have left it.
Process::Adopted waiting_child() {
    Process::Adopted adopted;
    adopted.main.pid = ::fork();
    REQUIRE(adopted.main.pid >= 0);
    while (adopted.main.pid == 0)
        ::pause();
    adopted.main.start_time = sys::start_time_of(adopted.main.pid).value();
    adopted.pipe = "v1.worker.a.fifo";
    return adopted;
}

// Kills a child of ours, and waits for it, which nobody else will have to.
void end(pid_t pid) {
    REQUIRE(::kill(pid, SIGKILL) == 0);
    REQUIRE(::waitpid(pid, nullptr, 0) == pid);
}

// What is told of the first process of the crew that ends.
std::string end_told_of(Crew& crew, Here& here) {
    std::string how;
    crew.on_ended([&](const Process&, const std::string& what) {
        how = what;
        here.loop.stop();
    });
    CHECK(here.run());
    return how;
}

} // namespace

TEST_SUITE_BEGIN("supervise::Crew");

#ifndef __SANITIZE_ADDRESS__ // UBSan, beside it, looks through a pipe at the objects that it judges
TEST_CASE("a process that cannot be watched for want of descriptors is not taken for gone") {
    const Process::Adopted left = waiting_child();
    for (int descriptors = 0; descriptors < 2; ++descriptors) {
        Here here;
        const auto crew = here.crew();
        std::string why;
        try {
            const FewDescriptors few(descriptors);
            (void)crew->processes()[0]->adopt(left);
        } catch (const Error& error) {
            why = error.why();
        }
        CHECK(why == fmt::format("cannot look at process {}: Too many open files", left.main.pid));
    }
    CHECK(sys::is_alive(left.main));
    end(left.main.pid);
}

TEST_CASE("without a descriptor to look at its memory through, a generation is stopped") {
    Here here;
    here.surroundings.witness.used = [](ReleaseNumber, std::uint64_t) {};
    const auto crew = here.crew();
    crew->start();
    REQUIRE(crew->is_any_up());
    {
        const FewDescriptors few(0);
        crew->stop(Crew::all, [&] { here.loop.stop(); });
    }
    CHECK(here.run());
    CHECK(crew->is_stopped());
}

TEST_CASE("a generation whose processes cannot be looked at for a while is retired after that") {
    Here here;
    here.surroundings.addresses = &here.addresses;
    const auto crew = here.crew();
    crew->start();
    REQUIRE(crew->is_any_up());
    const auto long_ago = std::chrono::steady_clock::now() - 2s;
    Retirement retirement(here.surroundings, crew, long_ago);
    retirement.when_done([&] { here.loop.stop(); });
    auto few = std::make_unique<FewDescriptors>(0);
    const auto enough = here.loop.after(200ms, [&] { few.reset(); });
    CHECK(here.run());
    CHECK(crew->is_stopped());
}

TEST_CASE("a gate comes to its verdict also where it cannot be told what listens elsewhere") {
    Here here;
    const auto crew = here.crew(tests::free_port());
    crew->start();
    GateRules rules;
    rules.timeout = 200ms;
    std::optional<std::string> why;
    auto few = std::make_unique<FewDescriptors>(0);
    const Gate gate(here.loop, *crew, rules, [&](const std::optional<std::string>& why_not) {
        few.reset();
        why = why_not;
        here.loop.stop();
    });
    CHECK(here.run());
    REQUIRE(why);
    CHECK(why->ends_with("it was not healthy within 200ms"));
    CHECK(here.stop(*crew));
}
#endif

TEST_CASE("a process that ends while one program takes another's place is started again") {
    Here before;
    const auto crew = before.crew();
    pid_t pid = 0;
    SUBCASE("our own child") {
        crew->start();
        pid = crew->processes()[0]->main().value().pid;
    }
    SUBCASE("what another supervisor started") {
        const Process::Adopted adopted = waiting_child();
        pid = adopted.main.pid;
        REQUIRE(crew->processes()[0]->adopt(adopted));
    }
    Bequest bequest;
    const Json memory = crew->memory(bequest);
    end(pid);

    Here after;
    const auto recalled = Crew::recalled(after.surroundings, memory);
    const std::string how = end_told_of(*recalled, after);
    CHECK(how.starts_with("ended after "));
    CHECK(recalled->is_wanted());
    CHECK(after.stop(*recalled));
}

TEST_CASE("what was refused to a process is told of its end by the next program, too") {
    Here before;
    const auto crew = before.crew();
    crew->start();
    crew->processes()[0]->refused("may not listen on port 80");
    Bequest bequest;
    const Json memory = crew->memory(bequest);
    end(crew->processes()[0]->main().value().pid);

    Here after;
    const auto recalled = Crew::recalled(after.surroundings, memory);
    const std::string how = end_told_of(*recalled, after);
    CHECK(how.ends_with("; it may not listen on port 80"));
    CHECK(after.stop(*recalled));
}

TEST_SUITE_END();

#include "core/push/run.hpp"
#include "core/push/tunnel.hpp"
#include "tests/unit/push_support.hpp"

#include <doctest/doctest.h>

namespace shipit::tests {

namespace {

const auto pushed_slug = *SlugId::parse("0123456789abcdef0123456789abcdef");

push::Request request_of(char token, const push::Options& options = {}) {
    return {pushed_slug, std::string(32, token), {}, options, {}};
}

const auto some_push = request_of('1');
const auto other_push = request_of('2');

std::optional<sys::Path> run_for(const TestFolder& folder, const push::Request& request,
                                 bool is_still_so = true) {
    return push::run_to_join(folder.path(), request,
                             [&](const push::Result&) { return is_still_so; });
}

// The types of what relay() sends, in order, and the status that it gives.
std::string relayed(const sys::Path& run, int* status = nullptr) {
    const Stream stream;
    push::Wire wire(stream.fd(), stream.fd(), "the pusher");
    const int found = push::relay(wire, run, -1);
    if (status != nullptr)
        *status = found;
    stream.rewind();
    std::string types;
    (void)why_not([&] {
        for (;;)
            types += static_cast<char>(wire.receive().type);
    });
    return types;
}

} // namespace

TEST_SUITE_BEGIN("push::Run");

TEST_CASE("a run is joined by its own push while it goes on and when it has ended") {
    const TestFolder folder;
    const auto path = push::run_of(folder.path(), some_push);
    CHECK_FALSE(run_for(folder, some_push).has_value());
    auto run = push::Run::begin(path);
    REQUIRE(run.has_value());
    run->add(R"({"phase":"packing"})");
    CHECK(run_for(folder, some_push) == path);
    CHECK_FALSE(push::Run::begin(path).has_value());
    run->finish(push::Result::of(Error("it answered 500", Outcome::release_failed)));
    run.reset();
    CHECK(run_for(folder, some_push) == path);
    int status = 0;
    CHECK(relayed(path, &status) == "VF");
    CHECK(status == 3);
}

TEST_CASE("a run that ended well is joined only while what it tells is still so") {
    const TestFolder folder;
    const auto path = push::run_of(folder.path(), some_push);
    push::Run::begin(path).value().finish({});
    CHECK(run_for(folder, some_push, true) == path);
    CHECK_FALSE(run_for(folder, some_push, false).has_value());
    // That it failed stays true.
    push::Run::begin(path).value().finish(
        push::Result::of(Error("it answered 500", Outcome::release_failed)));
    CHECK(run_for(folder, some_push, false) == path);
}

TEST_CASE("a push joins no run that makes something else of the same slug") {
    constexpr std::chrono::minutes some_minutes(10);
    push::Options stored;
    stored.no_activate = true;
    push::Options forced;
    forced.force = true;
    push::Options trial;
    trial.trial = some_minutes;
    push::Options longer_trial;
    longer_trial.trial = some_minutes * 2;
    push::Options forced_trial = trial;
    forced_trial.force = true;
    const std::vector<push::Options> all{{}, stored, forced, trial, longer_trial, forced_trial};
    for (std::size_t running = 0; running < all.size(); running++) {
        const TestFolder folder;
        const auto path = push::run_of(folder.path(), request_of('1', all[running]));
        CHECK(push::is_run(path.filename().string()));
        const auto run = push::Run::begin(path);
        for (std::size_t wanted = 0; wanted < all.size(); wanted++) {
            CAPTURE(running);
            CAPTURE(wanted);
            CHECK((run_for(folder, request_of('2', all[wanted])) == path) == (running == wanted));
        }
    }
}

TEST_CASE("how long a push waits, and for what, makes it no other") {
    const TestFolder folder;
    const auto path = push::run_of(folder.path(), some_push);
    const auto run = push::Run::begin(path);
    push::Options options;
    options.until_live = true;
    options.lock_patience = std::chrono::minutes(1);
    options.description = "another one";
    CHECK(run_for(folder, request_of('2', options)) == path);
}

TEST_CASE("another push of the same slug joins a run while it goes on, not when it has ended") {
    const TestFolder folder;
    const auto path = push::run_of(folder.path(), some_push);
    auto run = push::Run::begin(path);
    REQUIRE(run.has_value());
    CHECK(run_for(folder, other_push) == path);
    auto other_slug = other_push;
    other_slug.slug = *SlugId::parse(std::string(32, 'f'));
    CHECK_FALSE(run_for(folder, other_slug).has_value());
    run->finish({});
    run.reset();
    CHECK_FALSE(run_for(folder, other_push).has_value());
}

TEST_CASE("a run whose process died is told as cut short, and begun again") {
    const TestFolder folder;
    const auto path = push::run_of(folder.path(), some_push);
    {
        auto run = push::Run::begin(path);
        REQUIRE(run.has_value());
        run->add(R"({"phase":"packing"})");
    }
    int status = 0;
    CHECK(relayed(path, &status) == "VF");
    CHECK(status == 1);
    CHECK_FALSE(run_for(folder, some_push).has_value());
    auto again = push::Run::begin(path);
    REQUIRE(again.has_value());
    again->finish({});
    CHECK(relayed(path) == "F");
}

TEST_CASE("a run goes on in a child of its own session, and is followed to its end") {
    const TestFolder folder;
    const auto path = push::run_of(folder.path(), some_push);
    {
        auto run = push::Run::begin(path);
        REQUIRE(run.has_value());
        push::detach([&] {
            run->add(R"({"phase":"packing"})");
            push::Result result;
            result.status = ::getsid(0) == ::getpid() ? 0 : 9;
            run->finish(result);
        });
    }
    int status = 5;
    CHECK(relayed(path, &status) == "VF");
    CHECK(status == 0);
}

TEST_SUITE_END();

TEST_SUITE_BEGIN("push::Tunnel");

TEST_CASE("a command is split at blanks") {
    CHECK(push::words_of(" ssh  -p 2222 ") == std::vector<std::string>{"ssh", "-p", "2222"});
    CHECK(push::words_of("  ").empty());
}

TEST_CASE("what carries a push is told as it ended, or that it cannot be run") {
    push::Tunnel well({"sh", "-c", "read line; exit \"$line\""});
    sys::write_all(well.to(), "7\n", "tunnel");
    CHECK(well.finish() == 7);
    push::Tunnel killed({"sh", "-c", "kill -9 $$"});
    CHECK(killed.finish() == 137);
    CHECK(why_not([] { push::Tunnel({"/does/not/exist"}); }) ==
          "cannot run '/does/not/exist': No such file or directory");
}

TEST_SUITE_END();

} // namespace shipit::tests

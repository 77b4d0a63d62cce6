#include "core/push/run.hpp"
#include "core/push/tunnel.hpp"
#include "tests/unit/push_support.hpp"

#include <doctest/doctest.h>

namespace shipit::tests {

namespace {

const auto pushed_slug = *SlugId::parse("0123456789abcdef0123456789abcdef");
const std::string some_token(32, '1');
const std::string other_token(32, '2');

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
    const auto path = push::run_of(folder.path(), pushed_slug, some_token);
    CHECK_FALSE(push::run_to_join(folder.path(), pushed_slug, some_token).has_value());
    auto run = push::Run::begin(path);
    REQUIRE(run.has_value());
    run->add(R"({"phase":"packing"})");
    CHECK(push::run_to_join(folder.path(), pushed_slug, some_token) == path);
    CHECK_FALSE(push::Run::begin(path).has_value());
    run->finish(push::Result::of(Error("it answered 500", Outcome::release_failed)));
    run.reset();
    CHECK(push::run_to_join(folder.path(), pushed_slug, some_token) == path);
    int status = 0;
    CHECK(relayed(path, &status) == "VF");
    CHECK(status == 3);
}

TEST_CASE(
    "who wants a build live does not join a run that only stores it, nor the other way round") {
    const TestFolder folder;
    const auto path = push::run_of(folder.path(), pushed_slug, some_token, push::Aim::stored);
    auto run = push::Run::begin(path);
    REQUIRE(run.has_value());
    CHECK(push::is_run(path.filename().string()));
    CHECK(push::run_to_join(folder.path(), pushed_slug, other_token, push::Aim::stored) == path);
    CHECK_FALSE(push::run_to_join(folder.path(), pushed_slug, other_token).has_value());
    CHECK_FALSE(push::run_to_join(folder.path(), pushed_slug, some_token).has_value());
    const auto live = push::run_of(folder.path(), pushed_slug, some_token);
    run->finish({});
    run = push::Run::begin(live);
    REQUIRE(run.has_value());
    CHECK_FALSE(
        push::run_to_join(folder.path(), pushed_slug, other_token, push::Aim::stored).has_value());
}

TEST_CASE("another push of the same slug joins a run while it goes on, not when it has ended") {
    const TestFolder folder;
    const auto path = push::run_of(folder.path(), pushed_slug, some_token);
    auto run = push::Run::begin(path);
    REQUIRE(run.has_value());
    CHECK(push::run_to_join(folder.path(), pushed_slug, other_token) == path);
    const auto other_slug = *SlugId::parse(std::string(32, 'f'));
    CHECK_FALSE(push::run_to_join(folder.path(), other_slug, other_token).has_value());
    run->finish({});
    run.reset();
    CHECK_FALSE(push::run_to_join(folder.path(), pushed_slug, other_token).has_value());
}

TEST_CASE("a run whose process died is told as cut short, and begun again") {
    const TestFolder folder;
    const auto path = push::run_of(folder.path(), pushed_slug, some_token);
    {
        auto run = push::Run::begin(path);
        REQUIRE(run.has_value());
        run->add(R"({"phase":"packing"})");
    }
    int status = 0;
    CHECK(relayed(path, &status) == "VF");
    CHECK(status == 1);
    CHECK_FALSE(push::run_to_join(folder.path(), pushed_slug, some_token).has_value());
    auto again = push::Run::begin(path);
    REQUIRE(again.has_value());
    again->finish({});
    CHECK(relayed(path) == "F");
}

TEST_CASE("a run goes on in a child of its own session, and is followed to its end") {
    const TestFolder folder;
    const auto path = push::run_of(folder.path(), pushed_slug, some_token);
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

#include "core/release/events.hpp"

#include "core/base/error.hpp"
#include "tests/unit/test_folder.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include <sys/wait.h>
#include <unistd.h>

using namespace shipit;
using namespace shipit::release;
using shipit::tests::TestFolder;

namespace {

Event event(const std::string& name, std::uint64_t release) {
    return {.event = name,
            .app = "blog",
            .release = ReleaseNumber(release),
            .user = "alice",
            .address = "10.0.0.7",
            .at = *parse_time("2026-11-22T22:39:49.123Z"),
            .result = "done",
            .detail = "all \"well\"\nhere"};
}

} // namespace

TEST_SUITE_BEGIN("release: events");

TEST_CASE("events are read back in order as they were written") {
    const TestFolder folder;
    const auto file = folder / "events.jsonl";
    CHECK(read_events(file).empty());
    append_event(file, event("deploy", 1));
    append_event(file, Event{.event = "config", .app = "blog", .at = WallTime{}});
    append_event(file, event("rollback", 3));
    const auto events = read_events(file);
    REQUIRE(events.size() == 3);
    CHECK(events[0] == event("deploy", 1));
    CHECK(events[1] == Event{.event = "config", .app = "blog", .at = WallTime{}});
    CHECK(events[2] == event("rollback", 3));
}

TEST_CASE("an event is one line, whatever it says") {
    const TestFolder folder;
    append_event(folder / "e", event("deploy\n\r", 1));
    const auto text = sys::read_file(folder / "e");
    CHECK(std::count(text.begin(), text.end(), '\n') == 1);
    CHECK(text.back() == '\n');
}

TEST_CASE("a torn last line is closed by the next event, and passed over by readers") {
    const TestFolder folder;
    const auto file = folder / "events.jsonl";
    append_event(file, event("deploy", 1));
    append_event(file, event("deploy", 2));
    const auto whole = sys::read_file(file);
    for (std::size_t length = 0; length <= whole.size(); ++length) {
        sys::replace_durably(file, whole.substr(0, length), 0600);
        append_event(file, event("deploy", 3));
        const auto events = read_events(file);
        REQUIRE_FALSE(events.empty());
        CHECK(events.back() == event("deploy", 3));
        // A line that lacks only its newline is whole again.
        const auto whole_lines =
            static_cast<std::size_t>(std::count(whole.begin(), whole.end(), '\n')) == 2
                ? (length + 1 >= whole.size()      ? 2U
                   : length + 1 > whole.find('\n') ? 1U
                                                   : 0U)
                : 0U;
        CHECK(events.size() == whole_lines + 1);
    }
}

TEST_CASE("lines that are no event are passed over") {
    const TestFolder folder;
    const auto file = folder / "events.jsonl";
    const std::string line = json_of(event("deploy", 1)).dump();
    sys::replace_durably(
        file,
        "\n{}\n[1]\nnull\njunk\n{\"event\":\"x\"}\n{\"event\":1,\"at\":2}\n\xff\n" +
            std::string(100 << 10, '[') + "\n" + line + "\n",
        0600);
    CHECK(read_events(file) == std::vector<Event>{event("deploy", 1)});
}

TEST_CASE("the newest events are read from the end of a large file") {
    const TestFolder folder;
    const auto file = folder / "events.jsonl";
    std::vector<Event> many;
    for (std::uint64_t number = 1; number <= 5000; ++number)
        many.push_back(event("deploy", number));
    append_events(file, many);
    for (const std::size_t limit : {1U, 2U, 15U, 700U, 4999U, 5000U, 9000U}) {
        const auto events = read_events(file, limit);
        REQUIRE(events.size() == std::min<std::size_t>(limit, 5000));
        CHECK(events.back() == many.back());
        CHECK(events.front().release == ReleaseNumber(5000 - events.size() + 1));
    }
    CHECK(read_events(file, 0).empty());
}

TEST_CASE("events of several commands at once do not mix") {
    const TestFolder folder;
    const auto file = folder / "events.jsonl";
    constexpr int writers = 4;
    constexpr int each = 50;
    std::vector<pid_t> children;
    for (int writer = 0; writer < writers; ++writer) {
        const pid_t child = ::fork();
        if (child == 0) {
            for (int i = 0; i < each; ++i)
                append_event(file, event("deploy", static_cast<std::uint64_t>(i) + 1));
            ::_exit(0);
        }
        children.push_back(child);
    }
    for (const pid_t child : children)
        (void)::waitpid(child, nullptr, 0);
    CHECK(read_events(file).size() == writers * each);
}

TEST_CASE("no events are no write") {
    const TestFolder folder;
    append_events(folder / "e", {});
    CHECK_FALSE(sys::is_there(folder / "e"));
}

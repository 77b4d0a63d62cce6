#include "core/release/events.hpp"

#include "core/base/error.hpp"
#include "tests/unit/test_folder.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>
#include <functional>

#include <fcntl.h>
#include <sys/resource.h>
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

TEST_CASE("an event whose writing ends half-way costs no other one") {
    const TestFolder folder;
    const auto file = folder / "events.jsonl";
    append_event(file, event("deploy", 1));
    const auto size = sys::read_file(file).size();
    for (const std::size_t written : {1U, 20U, 100U}) {
        const pid_t child = ::fork();
        if (child == 0) {
            (void)std::signal(SIGXFSZ, SIG_IGN);
            const rlimit limit{sys::read_file(file).size() + written, RLIM_INFINITY};
            (void)::setrlimit(RLIMIT_FSIZE, &limit);
            try {
                append_event(file, event("deploy", 2));
            } catch (const Error&) {
                ::_exit(0);
            }
            ::_exit(1);
        }
        int status = -1;
        REQUIRE(::waitpid(child, &status, 0) == child);
        CHECK(status == 0);
        CHECK(read_events(file).size() == 1);
        append_event(file, event("deploy", 3));
        CHECK(read_events(file) == std::vector<Event>{event("deploy", 1), event("deploy", 3)});
        REQUIRE(::truncate(file.c_str(), static_cast<off_t>(size)) == 0);
    }
}

TEST_CASE("whoever is killed, what was recorded is there, in order, and in whole lines") {
    const TestFolder folder;
    const auto file = folder / "events.jsonl";
    append_event(file, event("create", 1));
    constexpr unsigned lives = 20;
    std::uint64_t told = 0; // what the last life has said is on disk
    for (unsigned life = 0; life < lives; ++life) {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        const pid_t child = ::fork();
        if (child == 0)
            for (std::uint64_t number = told + 1;; ++number) {
                auto next = event("deploy", number);
                next.detail = std::string(5000, 'x'); // across pages
                append_event(file, next);
                (void)!::write(ends[1], &number, sizeof number);
            }
        ::close(ends[1]);
        for (unsigned i = 0; i < 3; ++i)
            REQUIRE(::read(ends[0], &told, sizeof told) == sizeof told);
        (void)::kill(child, SIGKILL);
        while (::read(ends[0], &told, sizeof told) == sizeof told) {
        }
        (void)::waitpid(child, nullptr, 0);
        ::close(ends[0]);
        const auto events = read_events(file, 1);
        // At most one more than was told of: written, and killed then.
        REQUIRE(events.back().release->value() >= told);
        REQUIRE(events.back().release->value() <= told + 1);
        told = events.back().release->value();
    }
    const auto events = read_events(file);
    REQUIRE(events.size() == told + 1);
    for (std::size_t i = 1; i < events.size(); ++i)
        REQUIRE(events[i].release == ReleaseNumber(i));
}

TEST_CASE("a detail is cut between characters") {
    Event event{.event = "deploy", .app = "blog"};
    event.detail = "x";
    while (event.detail.size() < 10'000)
        event.detail += "€"; // three bytes
    const auto back = parse_event(json_of(event).dump());
    REQUIRE(back.has_value());
    CHECK(back->detail.find("\xef\xbf\xbd") == std::string::npos); // U+FFFD, for what is no text
    CHECK(json_of(*back).dump() == json_of(event).dump());
}

TEST_CASE("a detail without end is cut, and the event is still one") {
    const TestFolder folder;
    auto endless = event("deploy", 1);
    endless.detail = std::string(1 << 20, '\x01');
    append_event(folder / "e", endless);
    const auto events = read_events(folder / "e");
    REQUIRE(events.size() == 1);
    CHECK(events[0].detail.size() < 10'000);
}

TEST_CASE("no events are no write") {
    const TestFolder folder;
    append_events(folder / "e", {});
    CHECK_FALSE(sys::is_there(folder / "e"));
}

TEST_CASE("the last events are found behind many lines that are none") {
    const TestFolder folder;
    const auto file = folder / "events.jsonl";
    append_event(file, event("deploy", 1));
    std::string junk;
    for (int i = 0; i < 30'000; ++i)
        junk += "junk\n";
    sys::append_durably(file, junk, 0600);
    append_event(file, event("deploy", 2));
    CHECK(read_events(file, 2).size() == 2);
    CHECK(read_events(file, 1).at(0).release == ReleaseNumber(2));
}

TEST_SUITE_END();

namespace {

// What EventReader::more() gives while `change` is carried out by another process.
std::vector<Event> more_while(EventReader& reader, const std::function<void()>& change) {
    const pid_t child = ::fork();
    if (child == 0) {
        change();
        ::_exit(0);
    }
    auto events = reader.more(-1);
    (void)::waitpid(child, nullptr, 0);
    return events;
}

} // namespace

TEST_SUITE_BEGIN("release: events that come");

TEST_CASE("following waits for the next event, also where there is no file yet") {
    const TestFolder folder;
    EventReader reader(folder / "events.jsonl");
    CHECK(reader.last(10).empty());
    CHECK(more_while(reader, [&] { append_event(folder / "events.jsonl", event("a", 1)); }) ==
          std::vector<Event>{event("a", 1)});
    CHECK(more_while(reader, [&] { append_event(folder / "events.jsonl", event("b", 2)); }) ==
          std::vector<Event>{event("b", 2)});
}

TEST_CASE("half a line is neither shown nor lost") {
    const TestFolder folder;
    const auto file = folder / "events.jsonl";
    const std::string line = json_of(event("deploy", 2)).dump() + "\n";
    for (std::size_t half = 1; half < line.size(); half += 17) {
        (void)sys::remove_file(file);
        append_event(file, event("deploy", 1));
        sys::append_durably(file, line.substr(0, half), 0600);
        EventReader reader(file);
        CHECK(reader.last(10) == std::vector<Event>{event("deploy", 1)});
        CHECK(more_while(reader, [&] { sys::append_durably(file, line.substr(half), 0600); }) ==
              std::vector<Event>{event("deploy", 2)});
    }
}

TEST_CASE("following goes on when another file takes the events' place, and when it is emptied") {
    const TestFolder folder;
    const auto file = folder / "events.jsonl";
    append_event(file, event("deploy", 1));
    EventReader reader(file);
    CHECK(reader.last(10).size() == 1);
    append_event(file, event("deploy", 2));
    sys::rename_durably(file, folder / "events.jsonl.1");
    append_event(file, event("deploy", 3));
    CHECK(reader.more(-1) == std::vector<Event>{event("deploy", 2), event("deploy", 3)});
    REQUIRE(::truncate(file.c_str(), 0) == 0);
    CHECK(more_while(reader, [&] { append_event(file, Event{.event = "x", .app = "a"}); }) ==
          std::vector<Event>{Event{.event = "x", .app = "a"}});
}

TEST_CASE("following tells the last event of a folder that goes, and ends then") {
    const TestFolder folder;
    const auto app = folder / "blog";
    sys::make_folders(app, 0755);
    append_event(app / "events.jsonl", event("create", 1));
    EventReader reader(app / "events.jsonl");
    CHECK(reader.last(10).size() == 1);
    const auto events = more_while(reader, [&] {
        append_event(app / "events.jsonl", event("destroy", 2));
        sys::rename_durably(app, folder / ".trash-blog");
        sys::remove_tree(folder / ".trash-blog");
    });
    CHECK(events == std::vector<Event>{event("destroy", 2)});
    CHECK(reader.more(-1).empty());
}

TEST_CASE("following ends when nobody reads any more") {
    const TestFolder folder;
    append_event(folder / "events.jsonl", event("create", 1));
    EventReader reader(folder / "events.jsonl");
    CHECK(reader.last(10).size() == 1);
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    ::close(ends[0]);
    CHECK(reader.more(ends[1]).empty());
    ::close(ends[1]);
}

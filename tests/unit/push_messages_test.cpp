#include "core/push/messages.hpp"
#include "tests/unit/push_support.hpp"

#include <doctest/doctest.h>

namespace shipit::tests {

namespace {

using push::Request;

const auto some_slug = *SlugId::parse("0123456789abcdef0123456789abcdef");
const auto other_slug = *SlugId::parse("ffffffffffffffffffffffffffffffff");

Request some_request() {
    Request request{some_slug, push::new_token()};
    request.base = other_slug;
    request.options = {"New front page",         true, true, std::chrono::seconds(5),
                       std::chrono::minutes(10), true};
    request.source = release::Source{std::string(40, 'a'), "main", true, "New front page"};
    request.files_left_out = {".env", "db.sqlite3"};
    return request;
}

std::string refusal_of(const std::string& member, Json value) {
    auto json = Json::parse(some_request().text());
    json.set(member, std::move(value));
    return why_not([&] { (void)Request::parse(json.dump()); });
}

slug::FileList some_list() {
    auto list = slug::FileList::parse("d\t0755\t-\t-\ta\t\n"
                                      "f\t0644\t3\t00000000000000000000000000000001\ta/b\t\n"
                                      "f\t0644\t3\t00000000000000000000000000000002\tc\t\n");
    for (auto& entry : list.entries)
        entry.mtime = 1'700'000'000;
    return list;
}

} // namespace

TEST_SUITE_BEGIN("push messages");

TEST_CASE("a request comes as it was sent") {
    const auto sent = some_request();
    const auto come = Request::parse(sent.text());
    CHECK(come.slug == sent.slug);
    CHECK(come.token == sent.token);
    CHECK(come.base == sent.base);
    CHECK(come.options == sent.options);
    CHECK(come.source == sent.source);
    CHECK(come.files_left_out == sent.files_left_out);
}

TEST_CASE("a host says that it can store, and one that says nothing cannot") {
    CHECK(push::Offer::parse(push::Offer{{}, {}, true}.text()).stores);
    CHECK_FALSE(push::Offer::parse(R"({"slugs":[],"leave_out":[]})").stores);
}

TEST_CASE("a request that is not as it should be is refused") {
    CHECK(refusal_of("description", "fine").empty());
    CHECK(refusal_of("slug", "../../etc/passwd") != "");
    CHECK(refusal_of("base", "../../etc/passwd") != "");
    CHECK(refusal_of("token", "../../../x") != "");
    CHECK(refusal_of("token", std::string(32, 'X')) != "");
    CHECK(refusal_of("description", std::string(5000, 'x')) != "");
    CHECK(refusal_of("trial_ms", -1) != "");
    CHECK(refusal_of("lock_patience_ms", std::int64_t{1} << 60) != "");
    CHECK(refusal_of("source", Json::object({{"commit", "$(reboot)"}})) != "");
    CHECK(why_not([] { (void)Request::parse("[]"); }) != "");
    CHECK(why_not([] { (void)Request::parse("{"); }) != "");
}

TEST_CASE("no two tokens are the same") {
    CHECK(push::is_token(push::new_token()));
    CHECK(push::new_token() != push::new_token());
}

TEST_CASE("a list comes as it was sent, and what did not change has the time that it has there") {
    const auto base = some_list();
    auto list = base;
    list.entries[1].hash.low = 7;
    list.entries[1].mtime = 1'800'000'000;
    list.entries[2].mtime = 1'900'000'000; // touched only
    const auto bytes = push::bytes_of(list, base);
    const auto message = push::list_message(bytes, base);
    CHECK(push::bytes_in(message, base, bytes.size()) == bytes);
    const auto come = push::list_in(bytes, base, {});
    CHECK(come.id() == list.id());
    CHECK(come.entries[0].mtime == 1'700'000'000);
    CHECK(come.entries[1].mtime == 1'800'000'000);
    CHECK(come.entries[2].mtime == 1'700'000'000);
}

TEST_CASE("a list of more lines than entries may be is refused before it is read") {
    slug::Limits limits;
    limits.entries = 3;
    const auto bytes = [](std::string_view lines) {
        std::string size(8, '\0');
        size[0] = static_cast<char>(lines.size());
        return size + std::string(lines);
    };
    CHECK(why_not([&] { (void)push::list_in(bytes("\n\n\n"), {}, limits); }).find("line 1") !=
          std::string::npos);
    CHECK(why_not([&] { (void)push::list_in(bytes("\n\n\n\n"), {}, limits); }) ==
          "it has more entries than slug.max_entries (3)");
}

TEST_CASE("a list is refused that is cut short, too long, or told by another base") {
    const auto base = some_list();
    const auto bytes = push::bytes_of(base, {});
    for (std::size_t size = 0; size < bytes.size(); size++) {
        CAPTURE(size);
        CHECK(why_not([&] { (void)push::list_in(bytes.substr(0, size), {}, {}); }) != "");
    }
    CHECK(why_not([&] { (void)push::list_in(bytes + "x", {}, {}); }) != "");
    const auto message = push::list_message(bytes, base);
    CHECK(why_not([&] { (void)push::bytes_in(message, {}, bytes.size()); }) != "");
    CHECK(why_not([&] { (void)push::bytes_in(message, base, bytes.size() - 1); }) != "");
    for (std::size_t size = 0; size < message.size(); size++) {
        CAPTURE(size);
        CHECK(why_not([&] { (void)push::bytes_in(message.substr(0, size), base, bytes.size()); }) !=
              "");
    }
}

TEST_CASE("bits come as they were sent, and only as many as are waited for") {
    for (const std::size_t count : {0U, 1U, 7U, 8U, 9U, 1000U}) {
        CAPTURE(count);
        push::Bits bits(count);
        for (std::size_t i = 0; i < count; i += 3)
            bits[i] = true;
        const auto sent = push::message_of(bits);
        CHECK(push::bits_in(sent, count) == bits);
        CHECK(why_not([&] { (void)push::bits_in(sent, count + 8); }) != "");
    }
}

TEST_CASE("events are told again, without what could drive a terminal") {
    std::vector<std::string> events;
    const auto sending =
        push::progress_into([&events](const std::string& event) { events.push_back(event); });
    sending.begin_phase("packing\x1b[2J");
    sending.show("one\ntwo\x1b[2J");
    sending.warn_of("careful\a");
    sending.show(std::string(100'000, '\x01'));
    std::vector<std::string> told;
    const auto add = [&told](const std::string& text) { told.push_back(text); };
    Progress reading;
    reading.begin = reading.output = reading.warn = add;
    for (const auto& event : events) {
        CHECK(event.size() < 64 << 10);
        push::tell(reading, event);
    }
    REQUIRE(told.size() > 3);
    CHECK(told[0] == "packing\\x1b[2J");
    CHECK(told[1] == "one\ntwo\\x1b[2J");
    CHECK(told[2] == "careful\\x07");
}

TEST_CASE("a result comes as it was sent, without what could drive a terminal") {
    push::Result sent;
    sent.said = {{true, "Deployed v2"}, {false, "to undo: \x1b[2J"}};
    sent.json = Json::object({{"release", "v2"}});
    const auto come = push::Result::parse(sent.text());
    CHECK(come.status == 0);
    REQUIRE(come.said.size() == 2);
    CHECK(come.said[0].is_result);
    CHECK(come.said[0].text == "Deployed v2");
    CHECK(come.said[1].text == "to undo: \\x1b[2J");
    CHECK(come.json["release"].text() == "v2");
    CHECK_FALSE(come.error.has_value());

    Error error("it answered 500\x1b[2J", Outcome::release_failed);
    error.add_attempt("deploying 'blog'");
    error.advise("shipit -a blog output v2");
    const auto failed = push::Result::parse(push::Result::of(error).text());
    CHECK(failed.status == 3);
    REQUIRE(failed.error.has_value());
    CHECK(failed.error->outcome() == Outcome::release_failed);
    CHECK(failed.error->why() == "it answered 500\\x1b[2J");
    CHECK(failed.error->next() == "shipit -a blog output v2");
    CHECK(failed.error->attempts() == std::vector<std::string>{"deploying 'blog'"});

    CHECK(push::Result::parse(R"({"status":-5})").status == 1);
    CHECK(push::Result::parse(R"({"status":99999})").error.has_value());
}

TEST_SUITE_END();

} // namespace shipit::tests

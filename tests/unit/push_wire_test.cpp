#include "core/push/wire.hpp"
#include "tests/unit/push_support.hpp"

#include <doctest/doctest.h>

namespace shipit::tests {

namespace {

using push::Type;

// What `action` says of a stream of these bytes.
template <class Action>
std::string refusal_of(const std::string& bytes, Action&& action) {
    const Stream in(bytes);
    const Stream out;
    push::Wire wire(in.fd(), out.fd(), "the other");
    return why_not([&] { action(wire); });
}

std::string refused_greeting(const std::string& bytes) {
    return refusal_of(bytes, [](push::Wire& wire) { wire.greet(); });
}

std::string refused_message(const std::string& bytes) {
    return refusal_of(bytes, [](push::Wire& wire) { (void)wire.receive(); });
}

} // namespace

TEST_SUITE_BEGIN("push::Wire");

TEST_CASE("what is sent is what comes") {
    const Stream stream;
    push::Wire writing(stream.fd(), stream.fd(), "the other");
    const std::string large(100'000, 'x');
    writing.send(Type::event, "");
    writing.send(Type::piece, large);
    stream.rewind();
    push::Wire reading(stream.fd(), stream.fd(), "the other");
    CHECK(reading.receive(Type::event).empty());
    CHECK(reading.receive(Type::piece) == large);
    CHECK(reading.received() == writing.sent());
    CHECK(why_not([&] { (void)reading.receive(); }) == "the connection to the other ended");
}

TEST_CASE("another version of the protocol is refused, naming both") {
    CHECK(refused_greeting("shipit push 1\n").empty());
    CHECK(refused_greeting("shipit push 27\n") ==
          "the other speaks version 27 of this protocol, this shipit version 1");
    CHECK(refused_greeting("shipit push \n") != "");
}

TEST_CASE("what answers instead of shipit is shown, and cannot drive a terminal") {
    CHECK(refused_greeting("\x1b]0;Welcome to example.org\a\n") ==
          "the other answered '\\x1b]0;Welcome to example.org\\x07' instead of shipit's greeting");
    CHECK(refused_greeting("shipit push 1") ==
          "the other answered 'shipit push 1' instead of shipit's greeting");
    CHECK(refused_greeting("") == "the other ended the connection without a word");
    CHECK(refused_greeting(std::string(100'000, 'x')).size() < 200);
}

TEST_CASE("a message that ends early is none, wherever it ends") {
    const auto whole = message(Type::event, "0123456789");
    for (std::size_t size = 0; size < whole.size(); size++) {
        CAPTURE(size);
        CHECK(refused_message(whole.substr(0, size)) == "the connection to the other ended");
    }
    CHECK(refused_message(whole).empty());
}

TEST_CASE("a message of unknown type, or larger than its type allows, is refused unread") {
    CHECK(refused_message(message(static_cast<Type>('\x1b'), "")) ==
          "the other sent a message of unknown type '\\x1b'");
    CHECK(refused_message(std::string("R\xff\xff\xff\xff", 5)) ==
          "the other sent a message 'R' of 4.0 GB, more than there may be");
    CHECK(refused_message(message(Type::joined, "x")) ==
          "the other sent a message 'J' of 1 B, more than there may be");
}

TEST_CASE("a message in the place of another is refused") {
    CHECK(refusal_of(message(Type::end, ""), [](push::Wire& wire) {
              (void)wire.receive(Type::piece);
          }) == "the other sent a message 'E' where none may come");
}

TEST_CASE("what nobody reads is told as such") {
    const PipesDoNotKill as_in_shipit;
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    sys::Fd reading(ends[0]);
    const sys::Fd writing(ends[1]);
    reading.reset();
    push::Wire wire(-1, writing.get(), "the other");
    CHECK_THROWS_AS(wire.send(Type::event, "x"), push::Disconnected);
}

TEST_SUITE_END();

} // namespace shipit::tests

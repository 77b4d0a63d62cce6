#include "cmd/side_output.hpp"
#include "core/sys/clock.hpp"
#include "core/sys/fd.hpp"

#include <doctest/doctest.h>

#include <array>
#include <csignal>
#include <string>

#include <fcntl.h>
#include <unistd.h>

using namespace shipit;
using namespace shipit::cmd;
using namespace std::chrono_literals;

namespace {

// A pipe with a reader who reads when he is told to.
struct Reader {
    Reader() {
        std::array<int, 2> ends{};
        REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
        reading = sys::Fd(ends[0]);
        writing = sys::Fd(ends[1]);
        REQUIRE(::fcntl(reading.get(), F_SETFL, O_NONBLOCK) == 0);
    }
    [[nodiscard]] std::string all() const {
        std::string text;
        std::array<char, 4096> bytes{};
        for (ssize_t n = 1; n > 0;
             text.append(bytes.data(), n > 0 ? static_cast<std::size_t>(n) : 0))
            n = ::read(reading.get(), bytes.data(), bytes.size());
        return text;
    }
    sys::Fd reading;
    sys::Fd writing;
};

} // namespace

TEST_SUITE_BEGIN("cmd: side output");

TEST_CASE("a reader who has fallen asleep is not waited for again, and told what he has missed") {
    const Reader reader;
    SideOutput output(reader.writing.get(), 20ms);
    output.write("first\n");
    CHECK(reader.all() == "first\n");

    const std::string much(std::size_t{1} << 20, 'x');
    output.write(much); // more than a pipe holds
    for (int i = 0; i < 100; i++)
        output.write("missed\n");
    const auto read = reader.all();
    CHECK(read.size() < much.size());
    CHECK(read.find("missed") == std::string::npos);

    output.write("last\n");
    CHECK(reader.all() == "[some output is missing here: nobody read it]\nlast\n");
}

TEST_CASE("a reader who has gone is not waited for") {
    Reader reader;
    reader.reading.reset();
    constexpr auto patience = 60s;
    SideOutput output(reader.writing.get(), patience);
    const auto handler = ::signal(SIGPIPE, SIG_IGN);
    const auto begun = std::chrono::steady_clock::now();
    output.write(std::string(std::size_t{1} << 20, 'x')); // more than a pipe holds
    output.write("second\n");
    CHECK(sys::time_since(begun) < patience);
    (void)::signal(SIGPIPE, handler);
}

TEST_SUITE_END();
